"""Reads a study file: bytes to text to plain YAML values to a StudySpec, with a sentence for whatever is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec.document import read_document
from nago_orchestrator.spec.kubernetes import DataSection
from nago_orchestrator.spec.problems import Problem, list_problems
from nago_orchestrator.spec.scalars import describe
from nago_orchestrator.spec.study import StudySpec

MAXIMAL_BYTES = 64 * 1024
STANDARD_INPUT = "-"


def load_study_spec(path: Path | str) -> StudySpec:
    """The study of a file, or of standard input for "-". Relative paths in it start at the file's folder.

    Raises SpecError: the file cannot be read, or what `parse_study_spec` refuses.
    """
    if str(path) == STANDARD_INPUT:
        return parse_study_spec(_decode(_read_standard_input(), "standard input"), "standard input", folder=Path.cwd())
    text = _decode(_read_file(Path(path)), str(path))
    return parse_study_spec(text, str(path), folder=Path(path).parent)


def parse_study_spec(text: str, source: str, *, folder: Path | None = None) -> StudySpec:
    """The study that a text describes; `source` is its name in messages, `folder` where its relative paths start.

    Raises SpecError: a sentence, or one line for each of several problems in the order of the file.
    """
    document = read_document(text, source)
    if document.value is None:
        raise SpecError(
            "the study file is empty", where=source, do="give at least name, search, fidelities and trainer"
        )
    if not isinstance(document.value, dict):
        raise SpecError(f"a study file must be a mapping of keys, found {describe(document.value)}", where=source)
    try:
        return StudySpec.model_validate(document.value, context={"folder": folder, **_volume(document.value)})
    except ValidationError as error:
        problems = list_problems(error, document)
    if len(problems) == 1:
        raise _error(problems[0], source)
    raise SpecError("\n  ".join([f"{source} has {len(problems)} errors:", *(str(_error(item)) for item in problems)]))


def _error(problem: Problem, source: str | None = None) -> SpecError:
    places = [source, None if problem.line is None else f"line {problem.line}"]
    return SpecError(problem.what, where=", ".join(filter(None, places)) or None, do=problem.do)


def _volume(study: dict[str, Any]) -> dict[str, str | None]:
    """Where the images' volume is mounted, for a study whose trials run in a cluster; None without a volume.

    Looked up ahead of the validation, which reads the path to the images before the section that says where they lie.
    """
    execution = _section(study, "execution")
    if execution.get("where") != "kubernetes":
        return {}
    kubernetes = _section(execution, "kubernetes")
    if not isinstance(kubernetes.get("data"), dict):
        return {"volume": None}
    default = DataSection.model_fields["mount_path"].default
    return {"volume": str(_section(kubernetes, "data").get("mount_path", default))}


def _section(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    found = mapping.get(key)
    return found if isinstance(found, dict) else {}


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAXIMAL_BYTES + 1)
    except FileNotFoundError as error:
        raise SpecError("there is no such study file", where=path) from error
    except IsADirectoryError as error:
        raise SpecError("the study file is a folder", where=path, do="name the file in it") from error
    except PermissionError as error:
        raise SpecError("this user may not read the study file", where=path) from error
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read the study file: {error}", where=path) from error


def _read_standard_input() -> bytes:
    return sys.stdin.buffer.read(MAXIMAL_BYTES + 1)


def _decode(content: bytes, source: str) -> str:
    if len(content) > MAXIMAL_BYTES:
        raise SpecError(f"a study file has at most {MAXIMAL_BYTES // 1024} KiB, and this one is larger", where=source)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(
            "not UTF-8 text", where=f"{source}, byte {error.start + 1}", do="save the file as UTF-8"
        ) from error
