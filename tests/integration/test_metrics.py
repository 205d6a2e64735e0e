"""The page of metrics: true counts, labels that cannot grow without end, and the table of docs/operations.md."""

from __future__ import annotations

import re
from pathlib import Path

from nago_orchestrator.domain.states import Failure, TrialState
from nago_orchestrator.server.metrics import MOST_REASONS, Metrics
from tests.store_scene import NOW, Scene

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| (`nago_\w+`(?:, `nago_\w+`)*) \|([\w, ]*)\|", re.MULTILINE)
SAMPLE = re.compile(r"^(nago_\w+?)(?:_bucket|_count|_sum)?(?:\{(.*)\})? \S+$", re.MULTILINE)
NOT_OURS = {"le"}
"""Of a histogram's buckets."""


def page(metrics: Metrics) -> str:
    status, _, body = metrics.page()
    assert status == 200
    return body.decode()


def seen(text: str) -> dict[str, set[str]]:
    """Labels by metric."""
    found: dict[str, set[str]] = {}
    for name, labels in SAMPLE.findall(text):
        if name.endswith("_created"):  # Prometheus' own, beside every counter
            continue
        found.setdefault(name, set()).update(set(re.findall(r"(\w+)=", labels)) - NOT_OURS)
    return found


def documented() -> dict[str, set[str]]:
    return {
        name: set(re.findall(r"\w+", labels))
        for names, labels in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
        for name in re.findall(r"nago_\w+", names)
    }


def test_the_documentation_names_every_metric_with_its_labels(scene: Scene) -> None:
    metrics = Metrics(scene.store)
    metrics.events.labels(study="a", event="started").inc()
    metrics.tick_seconds.observe(0.1)
    metrics.note_call("POST", "201", 0.01)
    scene.propose()
    scene.store.note_waiting(scene.attempt(0, running=False).id, reason="Unschedulable", message="no node", now=NOW)
    assert seen(page(metrics)) == documented()


def test_attempts_that_wait_are_counted_by_what_they_wait_for(scene: Scene) -> None:
    for place, reason in enumerate(("Unschedulable", "Unschedulable", "QuotaExceeded", None)):
        scene.propose()
        scene.store.note_waiting(scene.attempt(place, running=False).id, reason=reason, message=None, now=NOW)
    lines = {line for line in page(Metrics(scene.store)).splitlines() if line.startswith("nago_waiting_attempts{")}
    study = scene.study.name
    assert lines == {
        f'nago_waiting_attempts{{reason="QuotaExceeded",study="{study}"}} 1.0',
        f'nago_waiting_attempts{{reason="Unschedulable",study="{study}"}} 2.0',
    }


def test_attempts_are_counted_by_cause_and_strange_reasons_together(scene: Scene) -> None:
    for place in range(MOST_REASONS + 3):
        scene.propose()
        scene.fail(scene.attempt(place), Failure.DEFECT, TrialState.FAILED, reason=f"Reason{place:02}")
    scene.propose()
    scene.fail(scene.attempt(MOST_REASONS + 3), Failure.DEFECT, TrialState.FAILED, reason="Reason00")
    lines = [line for line in page(Metrics(scene.store)).splitlines() if line.startswith("nago_failed_attempts{")]
    assert len(lines) == MOST_REASONS + len(Failure)
    study = scene.study.name
    assert f'nago_failed_attempts{{failure="defect",reason="Reason00",study="{study}"}} 2.0' in lines
    assert f'nago_failed_attempts{{failure="defect",reason="Other",study="{study}"}} 3.0' in lines
    assert f'nago_failed_attempts{{failure="infrastructure",reason="Other",study="{study}"}} 0.0' in lines


def test_requests_are_counted_by_verb_and_status(scene: Scene) -> None:
    metrics = Metrics(scene.store)
    for status in ("201", "201", "429"):
        metrics.note_call("POST", status, 0.25)
    text = page(metrics)
    assert 'nago_api_call_seconds_count{status="201",verb="POST"} 2.0' in text
    assert 'nago_api_call_seconds_sum{status="429",verb="POST"} 0.25' in text
