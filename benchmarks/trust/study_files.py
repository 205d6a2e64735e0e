"""Mutated study files, as `nago-orch submit FILE --dry-run` would read them; some go through the command itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from benchmarks.trust.mutations import as_yaml, broken_bytes, mutated
from benchmarks.trust.one_command import TooLongError, bounded, finding
from nago_orchestrator.cli.app import LONGEST_SENTENCE
from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.load import load_study_spec

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXTS = tuple(path.read_bytes() for path in sorted(EXAMPLES.glob("*.yaml")))
DOCUMENTS: tuple[Any, ...] = tuple(yaml.safe_load(text) for text in TEXTS)
READING_SECONDS = 30
MOST_PROBLEMS = 200

study_files = st.one_of(mutated(DOCUMENTS).map(as_yaml), mutated(DOCUMENTS).map(as_yaml), broken_bytes(TEXTS))


def reading(content: bytes, folder: Path) -> str | None:
    """What is wrong with how it was read: an error that is no sentence, or a study that is not the same when stored."""
    file = folder / "study.yaml"
    file.write_bytes(content)
    try:
        with bounded(READING_SECONDS):
            spec = load_study_spec(file)
            again = StudySpec.from_canonical(spec.canonical())
    except SpecError as error:
        lines = str(error).splitlines() or [""]
        if len(lines) > MOST_PROBLEMS or not lines[0].strip():
            return f"an error of {len(lines)} lines"
        return None
    except TooLongError:
        return f"took longer than {READING_SECONDS} s"
    except Exception as error:  # noqa: BLE001  # which is what this looks for
        return f"{type(error).__name__}: {str(error)[:LONGEST_SENTENCE]}"
    return None if again.digest() == spec.digest() else "it is another study when it is stored and read"


def submitting(content: bytes, folder: Path) -> str | None:
    """By the command, with all that comes after the file was read."""
    file = folder / "study.yaml"
    file.write_bytes(content)
    return finding(["submit", str(file), "--dry-run", "--database", str(folder / "none.sqlite")])
