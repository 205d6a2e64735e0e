"""Nested values with tensors inside, as the bytes of a safetensors file: nothing in it can be executed.

The tensors are the file's own; form, structure, numbers and texts are JSON in its header, and a digest over all of it
shows any change. A tensor comes back bit by bit and with its order of dimensions in memory (channels-last stays so).
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

FORM, CONTENT, DIGEST = "nago_form", "nago_content", "nago_digest"
"""Keys of the header's metadata."""
_SIZE = struct.Struct("<Q")
"""Of the header, before it: safetensors' own rule."""


class TensorFileError(ValueError):
    """The bytes are no such file, or were changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFile:
    form: str
    content: Any


def to_bytes(form: str, content: Any) -> bytes:
    """Dictionaries, lists, tuples (which come back as lists), texts, numbers, None and tensors of any device."""
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encoded(content, tensors))
    _separate(tensors)
    digest = _digest(form, text, tensors)
    return safetensors.save(tensors, metadata={FORM: form, CONTENT: text, DIGEST: digest})


def form_of(data: bytes) -> str | None:
    """None for other bytes."""
    try:
        form = _metadata(data).get(FORM)
    except TensorFileError:
        return None
    return form if isinstance(form, str) else None


def from_bytes(data: bytes) -> TensorFile:
    """On the CPU. Raises TensorFileError."""
    metadata = _metadata(data)
    try:
        tensors = safetensors.load(data)
        form, text = metadata[FORM], metadata[CONTENT]
        if metadata[DIGEST] != _digest(form, text, tensors):
            raise TensorFileError("it was changed")
        return TensorFile(form=form, content=_decoded(json.loads(text), tensors))
    except TensorFileError:
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, RecursionError) as error:
        raise TensorFileError(f"it is damaged: {error}") from error


def _metadata(data: bytes) -> dict[str, Any]:
    try:
        (size,) = _SIZE.unpack_from(data)
        header = json.loads(data[_SIZE.size : _SIZE.size + size])
        metadata = header["__metadata__"]
    except (struct.error, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise TensorFileError("it is no safetensors file of this program") from error
    if not isinstance(metadata, dict):
        raise TensorFileError("it is no safetensors file of this program")
    return metadata


def _digest(form: str, text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps([form, text]).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _encoded(value: Any, tensors: dict[str, Tensor], path: str = "") -> Any:
    """JSON; what JSON has no form for is a list of its kind and its parts. A tensor's name is its path."""
    if isinstance(value, Tensor):
        name = path if path not in tensors else f"{path}#{len(tensors)}"
        strides = value.stride()
        order = sorted(range(value.dim()), key=lambda dimension: -strides[dimension])
        tensors[name] = value.detach().cpu().permute(order).contiguous()
        return ["tensor", name, order]
    if isinstance(value, dict):
        return ["dict", [[key, _encoded(item, tensors, _below(path, key))] for key, item in value.items()]]
    if isinstance(value, (list, tuple)):
        return ["list", [_encoded(item, tensors, _below(path, number)) for number, item in enumerate(value)]]
    return value


def _separate(tensors: dict[str, Tensor]) -> None:
    """Parts of one tensor get copies: safetensors refuses tensors that share their memory."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        if place in seen:
            tensors[name] = tensor.clone()
        seen.add(place)


def _below(path: str, part: object) -> str:
    return f"{path}/{part}" if path else str(part)


def _decoded(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, list):
        return value
    kind, *parts = value
    if kind == "tensor":
        name, order = parts
        return tensors[name].permute([order.index(dimension) for dimension in range(len(order))])
    if kind == "dict":
        return {key: _decoded(item, tensors) for key, item in parts[0]}
    if kind == "list":
        return [_decoded(item, tensors) for item in parts[0]]
    raise TensorFileError(f"it has a value of the unknown kind {kind!r}")
