"""Exported networks compute what the network computes, without NAGO."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

from nago_trainer.__main__ import main
from nago_trainer.data.digits import load_digits
from nago_trainer.deployment import export as export_command
from nago_trainer.deployment.comparison import largest_difference
from nago_trainer.deployment.pt2_form import pt2_logits
from nago_trainer.errors import ExportError
from nago_trainer.network.saved_network import save_network
from nago_trainer.saved_network import load_network

CLASSIFY = """
import json, sys
sys.modules["nago_trainer"] = None
import numpy as np, onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
told = json.loads(session.get_modelmeta().custom_metadata_map["nago"])
for file in sys.argv[2:]:
    image = Image.open(file).convert("L" if told["preprocessing"]["colour"] == "grey" else "RGB")
    pixels = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)[None]
    if not told["preprocessing"]["in_graph"]:
        mean, deviation = (np.reshape(told["preprocessing"][key], (1, -1, 1, 1)) for key in ("mean", "deviation"))
        pixels = ((pixels / 255 - mean) / deviation).astype(np.float32)
    (logits,) = session.run(None, {told["input"]["name"]: pixels})
    print(told["class_names"][logits[0].argmax()])
"""
"""What a user's program may look like."""


ANOTHER_TORCH = """
import shutil
class export:
    load = lambda file: type("Exported", (), {"module": lambda self: lambda batch: batch})()
load = lambda file, weights_only: [file]
save = lambda batches, file: shutil.copy(batches[0], file)
"""


def _export(saved: Path, target: Path, *options: str) -> int:
    return main(["export", str(saved), "-O", str(target), *options])


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--with-preprocessing",)])
def test_an_onnx_file_classifies_image_files_without_nago(
    saved: Path, digit_files: list[Path], tmp_path: Path, options: tuple[str, ...]
) -> None:
    target = tmp_path / "exported.onnx"
    assert _export(saved, target, "--format", "onnx", *options) == 0
    command = [sys.executable, "-I", "-W", "ignore", "-c", CLASSIFY, str(target), *map(str, digit_files)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert found == [prediction.class_name for prediction in load_network(saved).predict(digit_files)]
    told = {item.key: item.value for item in onnx.load(target).metadata_props}
    assert json.loads(told["class_names"]) == list("0123456789")
    assert json.loads(told["preprocessing"])["size"] == 8
    assert sorted(file.name for file in tmp_path.iterdir() if file not in digit_files) == [
        "exported.onnx",
        "network.pt",
    ]


@pytest.mark.slow
def test_resizing_in_the_graph_is_that_of_training(saved: Path, tmp_path: Path) -> None:
    """Enlarged digits: the graph's bilinear filter and Pillow's differ by a rounding of some pixels at most."""
    large = tmp_path / "large.png"
    pixels = load_digits(8).pixels[5, 0]
    Image.fromarray(pixels).resize((37, 29), Image.Resampling.BICUBIC).save(large)
    target = tmp_path / "exported.pt2"
    assert _export(saved, target, "--format", "pt2", "--with-preprocessing") == 0
    program = torch.export.load(target).module()
    with Image.open(large) as image:
        batch = torch.tensor(np.asarray(image))[None, None]
    with torch.no_grad():
        logits = program(batch)
    assert torch.allclose(logits, load_network(saved).logits(large), atol=0.05)


@pytest.mark.slow
def test_a_pt2_file_has_the_names_of_the_classes(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(saved), "--format", "pt2"]) == 0
    assert capsys.readouterr().out.startswith("wrote network.pt2: checked against the network")
    extra = {"nago.json": ""}
    torch.export.load(tmp_path / "network.pt2", extra_files=extra)
    assert json.loads(extra["nago.json"])["class_names"] == list("0123456789")


def test_safetensors_have_the_weights_and_the_description(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "weights.safetensors"
    assert _export(saved, target, "--format", "safetensors") == 0
    trained = load_network(saved)
    with safe_open(target, framework="pt") as file:
        told = json.loads(file.metadata()["nago"])
        assert set(file.keys()) == set(trained.network.state_dict())
    assert told["class_names"] == list("0123456789")
    assert told["width"] == trained.facts.width


def test_only_stretching_can_be_part_of_the_file(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = load_network(saved)
    cropped = replace(network.facts, dataset=replace(network.facts.dataset, fit="crop"))
    save_network(network.network, cropped, saved)
    assert _export(saved, tmp_path / "x.pt2", "--format", "pt2", "--with-preprocessing") == 64
    assert "stretches images, and the network has fit: crop: leave out" in capsys.readouterr().err


def test_an_existing_file_is_replaced_only_by_force(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "weights.safetensors"
    target.write_text("mine")
    assert _export(saved, target, "--format", "safetensors") == 64
    assert "add --force" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert _export(saved, target, "--format", "safetensors", "--force") == 0
    assert target.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (".", (), "this is a folder"),
        ("nowhere/a.safetensors", (), "the folder does not exist"),
        (
            "a.safetensors",
            ("--with-preprocessing",),
            "safetensors contains only weights and cannot include preprocessing",
        ),
    ],
)
def test_what_cannot_be_written_is_one_sentence(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: tuple[str, ...], words: str
) -> None:
    assert _export(saved, tmp_path / name, "--format", "safetensors", *options) == 64
    told = capsys.readouterr()
    assert words in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert [file.name for file in tmp_path.iterdir()] == ["network.pt"]


@pytest.mark.parametrize("name", [300 * "x", "network.pt/a.safetensors", f"{300 * 'x'}/a.safetensors"])
def test_a_place_where_no_file_can_be_is_one_sentence(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert _export(saved, tmp_path / name, "--format", "safetensors") in (64, 74)
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n"), told.err[:7]) == ("", 1, "error: ")
    assert [file.name for file in tmp_path.iterdir()] == ["network.pt"]


def test_a_file_may_have_the_longest_name(saved: Path, tmp_path: Path) -> None:
    assert _export(saved, tmp_path / (255 * "x"), "--format", "safetensors") == 0


def test_the_process_that_checks_finds_torch_where_this_one_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where pip has installed it for the user alone. This torch gives the batches back."""
    (tmp_path / "torch.py").write_text(ANOTHER_TORCH)
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = pt2_logits(tmp_path / "exported.pt2", [torch.ones(2, 3)])
    assert torch.equal(found, torch.ones(2, 3))


def test_another_trials_network_is_refused(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "weights.safetensors"
    assert _export(saved, target, "--format", "safetensors", "--trial", "study/8") == 64
    assert capsys.readouterr().err.startswith("error: the file has the network of the trial study/7, not of study/8 (")
    assert not target.exists()
    assert _export(saved, target, "--format", "safetensors", "--trial", "study/7") == 0


def test_a_file_that_computes_something_else_is_deleted(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The format's library is at fault."""

    class Faulty:
        @staticmethod
        def onnx_bytes(*_: object) -> bytes:
            return b"file"

        @staticmethod
        def onnx_logits(_: Path, batches: list[torch.Tensor]) -> list[torch.Tensor]:
            return [torch.zeros(len(batch), 10) for batch in batches]

    monkeypatch.setattr(export_command, "import_module", lambda _: Faulty)
    assert _export(saved, tmp_path / "exported.onnx", "--format", "onnx") == 70
    assert "does not match the network: a logit differs by" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["network.pt"]


@pytest.mark.parametrize("found", [torch.full((2, 3), float("nan")), torch.ones(2, 3) * 1.1, torch.ones(3, 2)])
def test_logits_that_differ_are_refused(found: torch.Tensor) -> None:
    images = [torch.ones(2, 3)]
    assert largest_difference(nn.Identity(), images, [torch.ones(2, 3) * 1.0001], rounded=False) > 0
    with pytest.raises(ExportError):
        largest_difference(nn.Identity(), images, [found], rounded=False)


def test_a_missing_library_is_named_with_the_way_to_get_it(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for name in [name for name in sys.modules if name.startswith("nago_trainer.deployment.")]:
        monkeypatch.delitem(sys.modules, name)  # loaded anew, without the library
    assert _export(saved, tmp_path / "exported.onnx", "--format", "onnx") == 64
    assert capsys.readouterr().err == (
        "error: export needs the package onnxruntime, which is not installed: pip install 'nago-orchestrator[export]'\n"
    )
