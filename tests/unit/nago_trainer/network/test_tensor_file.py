from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from safetensors.torch import save

from nago_trainer.network import tensor_file
from nago_trainer.network.tensor_file import TensorFileError, form_of, from_bytes, to_bytes

NESTED: dict[str, Any] = {
    "numbers": {0: 1.5, 1: [1, None, True, "text", 0.1 + 0.2]},
    "tensors": [torch.arange(6).reshape(2, 3), torch.tensor(2.5), torch.empty(0, dtype=torch.bfloat16)],
    "not finite": [math.inf, -math.inf],
}


def _tensor(value: torch.Tensor) -> torch.Tensor:
    found = from_bytes(to_bytes("a-1", {"tensor": value})).content["tensor"]
    assert isinstance(found, torch.Tensor)
    return found


def test_what_was_written_comes_back() -> None:
    data = to_bytes("a-1", NESTED)
    found = from_bytes(data)
    assert (found.form, form_of(data)) == ("a-1", "a-1")
    assert found.content["numbers"] == NESTED["numbers"]
    assert found.content["not finite"] == NESTED["not finite"]
    for written, read in zip(NESTED["tensors"], found.content["tensors"], strict=True):
        assert isinstance(written, torch.Tensor)
        assert (read.dtype, read.shape) == (written.dtype, written.shape)
        assert torch.equal(read, written)


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (3, 4, 1, 1), (1, 1, 2, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_layout_comes_back(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    """An optimiser's values are computed in it, and rounded by it."""
    tensor = torch.rand(shape).contiguous(memory_format=layout)
    found = _tensor(tensor)
    assert torch.equal(found, tensor)
    assert found.stride() == tensor.stride()


def test_tensors_that_share_their_memory_become_two() -> None:
    tensor = torch.rand(4)
    found = from_bytes(to_bytes("a", [tensor, tensor[:2], tensor.t()])).content
    assert torch.equal(found[1], tensor[:2])
    found[0].zero_()
    assert torch.equal(found[1], tensor[:2])


def test_a_name_that_is_a_path_too_is_no_trouble() -> None:
    content = {"a": {"b": torch.zeros(1)}, "a/b": torch.ones(1)}
    found = from_bytes(to_bytes("a", content)).content
    assert (found["a"]["b"].item(), found["a/b"].item()) == (0.0, 1.0)


def test_every_changed_byte_is_seen() -> None:
    data = to_bytes("a-1", {"tensor": torch.arange(3), "number": 5})
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            found = from_bytes(changed)
        except TensorFileError:
            continue
        # A space between the header's parts that became another space, or the key of the format that torch writes.
        assert (found.form, found.content["number"]) == ("a-1", 5)
        assert torch.equal(found.content["tensor"], torch.arange(3))


@pytest.mark.parametrize("length", [0, 3, 8, 60, -1])
def test_a_part_of_a_file_is_refused(length: int) -> None:
    with pytest.raises(TensorFileError):
        from_bytes(to_bytes("a-1", NESTED)[:length])


@pytest.mark.parametrize(
    "header", ["{}", "[]", "5", '{"__metadata__": 3}', '{"__metadata__": {"nago_form": "a"}}', 9000 * "["]
)
def test_other_files_are_refused(header: str) -> None:
    data = len(header).to_bytes(8, "little") + header.encode()
    with pytest.raises(TensorFileError):
        from_bytes(data)
    if "nago_form" not in header:
        assert form_of(data) is None


@pytest.mark.parametrize("text", ['["tensor"]', '["tensor", "x", [0]]', '["new", 1]', '["dict", 5]', "[]", "["])
def test_a_structure_that_is_none_is_refused(text: str) -> None:
    """By a writer that means it: the digest is right."""
    digest = tensor_file._digest("a", text, {})
    metadata = {tensor_file.FORM: "a", tensor_file.CONTENT: text, tensor_file.DIGEST: digest}
    with pytest.raises(TensorFileError):
        from_bytes(save({}, metadata=metadata))
