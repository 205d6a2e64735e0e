from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec import load_study_spec, parse_study_spec
from nago_orchestrator.spec.load import MAXIMAL_BYTES


def refusal(path: Path | str) -> str:
    with pytest.raises(SpecError) as caught:
        load_study_spec(path)
    return str(caught.value)


def test_a_file_is_read(tmp_path: Path, small_study: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(small_study)
    assert load_study_spec(file) == parse_study_spec(small_study, "text")
    assert load_study_spec(str(file)).name == "small"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path, small_study: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + small_study.replace("\n", "\r\n").encode())
    assert load_study_spec(file) == parse_study_spec(small_study, "text")


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, small_study: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(small_study.encode())))
    assert load_study_spec("-").name == "small"


def test_errors_of_standard_input_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"- a")))
    assert refusal("-") == "a study file must be a mapping of keys, found a list (standard input)"


def test_a_relative_path_starts_at_the_folder_of_the_file(
    tmp_path: Path, small_study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study.yaml").write_text(small_study.replace("{name: digits}", "{name: folder, path: images/all}"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load_study_spec("../study.yaml").trainer.dataset.path == str(tmp_path.resolve() / "images" / "all")


@pytest.mark.parametrize(("path", "read"), [("/data/images", "/data/images"), ("~/images", "/home/ada/images")])
def test_absolute_paths_stay(path: str, read: str, small_study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    text = small_study.replace("{name: digits}", f"{{name: folder, path: {path}}}")
    assert parse_study_spec(text, "text", folder=Path("/studies")).trainer.dataset.path == read


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing but a remark\n", "---\n", "~"])
def test_an_empty_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(content)
    assert refusal(file) == f"the study file is empty ({file}): give at least name, search, fidelities and trainer"


@pytest.mark.parametrize(
    ("content", "found"), [("- a\n", "a list"), ("hello", "the string 'hello'"), ("3", "the number 3")]
)
def test_a_file_without_keys(tmp_path: Path, content: str, found: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(content)
    assert refusal(file) == f"a study file must be a mapping of keys, found {found} ({file})"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.yaml") == f"there is no such study file ({tmp_path / 'no.yaml'})"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"the study file is a folder ({tmp_path}): name the file in it"


def test_a_file_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert "cannot read the study file" in refusal(tmp_path / "a" / "study.yaml")


def test_a_path_that_no_system_takes() -> None:
    assert "cannot read the study file" in refusal("study\0.yaml")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal itself comes from a stand-in there."""
    file = tmp_path / "study.yaml"
    file.write_text("name: x")
    file.chmod(0)
    if os.geteuid() == 0:

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)  # root may open everything
    assert refusal(file) == f"this user may not read the study file ({file})"


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes("name: café".encode("latin-1"))
    assert refusal(file) == f"not UTF-8 text ({file}, byte 10): save the file as UTF-8"


def test_a_file_that_is_far_too_large(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes(b"#" * (MAXIMAL_BYTES + 1))
    assert refusal(file) == f"a study file has at most 64 KiB, and this one is larger ({file})"


def test_several_errors_are_listed_in_the_order_of_the_file() -> None:
    text = """\
name: My Study
fidelities: [3, 6]
trainer:
  dataset: {name: digit}
  batchsize: 3
  momentum: 2
space:
  hyperparameters:
    top_nodes: {low: 9, high: 3}
search:
  algorithm: bohb
  iterations: many
seed: seven
"""
    with pytest.raises(SpecError) as caught:
        parse_study_spec(text, "study.yaml")
    assert str(caught.value).splitlines() == [
        "study.yaml has 7 errors:",
        "  name must be lower case letters, digits and inner hyphens, such as my-study; found 'My Study' (line 1)",
        "  trainer.dataset.name names an unknown dataset 'digit' (line 4): did you mean digits?",
        "  unknown key trainer.batchsize (line 5): did you mean batch_size?",
        "  trainer.momentum must be below 1, found 2 (line 6)",
        "  space.hyperparameters.top_nodes has low 9 above high 3 (line 9)",
        "  search.iterations must be an integer, found the string 'many' (line 12)",
        "  seed must be an integer, found the string 'seven' (line 13)",
    ]


def test_a_dataset_behind_a_loop_of_links_or_an_unknown_home_is_refused(tmp_path: Path, small_study: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path in ("loop/images", "~no-such-user/images"):
        (tmp_path / "study.yaml").write_text(small_study.replace("{name: digits}", f"{{name: folder, path: {path}}}"))
        assert "trainer.dataset.path cannot be resolved" in refusal(tmp_path / "study.yaml")


IN_CLUSTER = "\nexecution: {where: kubernetes, kubernetes: {image: trainer%s}}\n"


@pytest.mark.parametrize(
    ("path", "data", "read"),
    [
        ("images/all", ", data: {claim: c}", "/data/images/all"),
        ("images/all", ", data: {claim: c, mount_path: /volumes/one}", "/volumes/one/images/all"),
        ("/elsewhere/images", ", data: {claim: c}", "/elsewhere/images"),
        ("/elsewhere/images/", "", "/elsewhere/images"),
    ],
)
def test_a_path_in_a_cluster_is_one_of_the_trainer_s(
    tmp_path: Path, small_study: str, path: str, data: str, read: str
) -> None:
    text = small_study.replace("{name: digits}", f"{{name: folder, path: {path}}}") + IN_CLUSTER % data
    assert parse_study_spec(text, "text", folder=tmp_path).trainer.dataset.path == read


@pytest.mark.parametrize(
    ("path", "words"),
    [("images", "is relative ('images'), and execution.kubernetes.data mounts no volume"), ("~/images", "no home")],
)
def test_a_path_that_no_trainer_could_find_is_refused(small_study: str, path: str, words: str) -> None:
    text = small_study.replace("{name: digits}", f"{{name: folder, path: {path}}}") + IN_CLUSTER % ""
    with pytest.raises(SpecError) as refused:
        parse_study_spec(text, "study.yaml")
    assert words in str(refused.value)
    assert "trainer.dataset.path" in str(refused.value)
    assert "line" in str(refused.value)
