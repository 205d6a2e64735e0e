"""Numbers, texts and paths beyond all sizes get one short sentence, whatever command they are given to."""

from __future__ import annotations

from pathlib import Path

import pytest

from nago_orchestrator.cli.app import LONGEST_SENTENCE
from nago_orchestrator.store.store import open_store
from tests.command_line import Run
from tests.studies import SMALL_BOHB, create, small_spec

HUGE = "9" * 30
LONG = "x" * 10_000


@pytest.fixture
def stored(url: str) -> str:
    create(open_store(url), small_spec())
    return url


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", f"small/{HUGE}"),
        ("logs", f"small/{HUGE}"),
        ("logs", "small/0", "--attempt", HUGE),
        ("trials", "small", "--limit", HUGE),
        ("pareto", "small", "--epochs", HUGE),
        ("status", "small", "--watch", "--interval", "1e400"),
        ("status", "small", "--watch", "--interval", "nan"),
        ("report", "small", "-O", "/"),
        ("report", "small", "-O", LONG),
        ("status", LONG),
        ("status", "caf\udce9"),
        ("submit", "caf\udce9/study.yaml"),
        ("show", LONG),
        ("trials", "small", "--state", LONG),
        ("submit", LONG),
        ("space", LONG),
    ],
)
def test_it_is_told_in_a_sentence(arguments: tuple[str, ...], stored: str, run: Run) -> None:
    ended = run(*arguments, "--database", stored)
    assert ended.code in (2, 3, 4), ended
    assert "bug" not in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err) < LONGEST_SENTENCE + 200


def test_a_study_for_a_cluster_is_not_stored_in_a_file(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "study.yaml"
    execution = "{where: kubernetes, parallelism: 1, kubernetes: {image: trainer, gpu: {count: 0}}}"
    file.write_text(SMALL_BOHB.replace("{parallelism: 1}", execution))
    address = str(tmp_path / "nago.sqlite")
    ended = run("submit", str(file), "--detach", "--database", address)
    assert ended.code == 2
    assert "trials on Kubernetes need PostgreSQL" in ended.err
    assert open_store(address).studies() == ()
