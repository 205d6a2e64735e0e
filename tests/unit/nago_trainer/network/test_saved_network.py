from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from nago_trainer.contract.task import TrialTask
from nago_trainer.data.splits import Normalisation
from nago_trainer.errors import TaskError
from nago_trainer.network.saved_network import FORM, NetworkFacts, TrainedNetwork, load_network, rebuild, save_network
from nago_trainer.network.tensor_file import from_bytes, to_bytes
from tests.disk import disk_with_room_for


@pytest.fixture
def facts(task: TrialTask) -> NetworkFacts:
    return NetworkFacts(
        study=task.study,
        trial=task.trial,
        architecture=task.architecture,
        width=task.width,
        dataset=task.dataset,
        class_names=tuple("0123456789"),
        normalisation=Normalisation(mean=(0.25,), deviation=(0.5,)),
        dropout=0.1,
        parameters=task.parameters,
        epochs=3,
        validation_accuracy=0.75,
    )


def test_a_saved_network_gives_the_same_logits(facts: NetworkFacts, tmp_path: Path) -> None:
    network = rebuild(facts)
    images = torch.rand(5, 1, 8, 8)
    network((images - 0.25) / 0.5)  # running statistics that are not those at the start
    save_network(network, facts, tmp_path / "network.pt")
    loaded = load_network(tmp_path / "network.pt")
    assert loaded.facts == facts
    assert not loaded.training
    assert torch.equal(loaded(images), network.eval()((images - 0.25) / 0.5))
    assert [file.name for file in tmp_path.iterdir()] == ["network.pt"]


def test_a_full_disk_is_an_error_of_the_operating_system_and_leaves_nothing(
    facts: NetworkFacts, tmp_path: Path
) -> None:
    with disk_with_room_for(1000), pytest.raises(OSError, match="too large"):
        save_network(rebuild(facts), facts, tmp_path / "network.pt")
    assert list(tmp_path.iterdir()) == []


def test_bytes_and_floats_are_the_same_image(facts: NetworkFacts) -> None:
    network = TrainedNetwork(rebuild(facts), facts).eval()
    pixels = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8)
    assert torch.allclose(network(pixels), network(pixels.float() / 255))


def test_bytes_that_are_written_as_floats_are_refused(facts: NetworkFacts) -> None:
    network = TrainedNetwork(rebuild(facts), facts).eval()
    images = torch.randint(0, 256, (4, facts.dataset.channels, facts.dataset.image_size, facts.dataset.image_size))
    with pytest.raises(ValueError, match=r"floats up to 2\d\d: give floats from 0 to 1, or bytes"):
        network(images.float())
    brightened = images.float() / 255 * 1.5
    assert torch.isfinite(network(brightened.requires_grad_())).all()
    assert network(images[:0].float()).shape == (0, facts.dataset.classes)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("facts", None),
        ("facts", {}),
        ("facts", "text"),
        ("weights", None),
        ("weights", {}),
        ("weights", {"a": 1}),
        ("facts.architecture", {"cells": 5}),
        ("facts.architecture", []),
        ("facts.dataset", {"name": 3}),
        ("facts.width", "wide"),
        ("facts.normalisation", {"mean": 1, "deviation": None}),
        ("facts.unheard", 1),
    ],
)
def test_a_file_whose_parts_are_wrong_is_refused(facts: NetworkFacts, tmp_path: Path, part: str, value: object) -> None:
    file = tmp_path / "network.pt"
    save_network(rebuild(facts), facts, file)
    content = from_bytes(file.read_bytes()).content
    outer, _, inner = part.partition(".")
    if inner:
        content[outer][inner] = value
    else:
        content[outer] = value
    file.write_bytes(to_bytes(FORM, content))
    with pytest.raises(TaskError, match=r"a damaged saved network .*network\.pt"):
        load_network(file)


@pytest.mark.parametrize("content", [b"", b"text", None, {"form": "another"}, ["list"]])
def test_a_file_that_holds_no_network_is_refused(content: object, tmp_path: Path) -> None:
    file = tmp_path / "network.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(TaskError, match=r"not a (file of a )?saved network .*network\.pt"):
        load_network(file)


def _in_the_former_form(file: Path) -> None:
    torch.save({**from_bytes(file.read_bytes()).content, "form": "nago-network-1"}, file)


def test_a_network_of_the_version_before_is_loaded(facts: NetworkFacts, tmp_path: Path) -> None:
    file, images = tmp_path / "network.pt", torch.rand(2, 1, 8, 8)
    save_network(rebuild(facts), facts, file)
    logits = load_network(file)(images)
    _in_the_former_form(file)
    loaded = load_network(file)
    assert loaded.facts == facts
    assert torch.equal(loaded(images), logits)


def test_a_file_that_was_changed_is_refused(facts: NetworkFacts, tmp_path: Path) -> None:
    file = tmp_path / "network.pt"
    save_network(rebuild(facts), facts, file)
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        with pytest.raises(TaskError, match="a damaged saved network of the format nago-network-2"):
            load_network(file)


def test_other_programs_read_the_weights_by_name(facts: NetworkFacts, tmp_path: Path) -> None:
    file = tmp_path / "network.pt"
    network = rebuild(facts)
    save_network(network, facts, file)
    with safe_open(file, framework="pt") as opened:
        for name, value in network.state_dict().items():
            assert torch.equal(opened.get_tensor(f"weights/{name}"), value)
