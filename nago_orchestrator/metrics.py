"""What Prometheus is told: counts from the database at each scrape, so that they are true whoever asks and restarts."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nago_orchestrator.domain import StudyState
from nago_orchestrator.store.records import Study, Tally
from nago_orchestrator.store.store import Store

SHOWN = (StudyState.RUNNING, StudyState.PAUSED)
"""Studies that are over stay in the database and out of the metrics."""


class StudyCollector(Collector):
    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        studies = [study for study in self._store.studies() if study.state in SHOWN]
        yield from study_metrics([(study, self._store.tally(study.id)) for study in studies])


def study_metrics(counts: Iterable[tuple[Study, Tally]]) -> Iterable[Metric]:
    """Labels are bounded: the study's name and a state or a kind of failure, never a trial."""
    trials = GaugeMetricFamily("nago_trials", "Trials by state", labels=["study", "state"])
    failures = GaugeMetricFamily("nago_failed_attempts", "Failed attempts by cause", labels=["study", "failure"])
    proposals = GaugeMetricFamily("nago_proposals", "Proposals made", labels=["study"])
    evaluations = GaugeMetricFamily("nago_evaluations", "Proposals evaluated and told", labels=["study"])
    live = GaugeMetricFamily("nago_live_attempts", "Attempts that have not ended", labels=["study"])
    gpu_seconds = GaugeMetricFamily("nago_gpu_seconds", "GPU time of attempts that have ended", labels=["study"])
    for study, tally in counts:
        for state, count in tally.trials.items():
            trials.add_metric([study.name, state.value], count)
        for failure, count in tally.failures.items():
            failures.add_metric([study.name, failure.value], count)
        proposals.add_metric([study.name], tally.proposals)
        evaluations.add_metric([study.name], tally.evaluations)
        live.add_metric([study.name], tally.live_attempts)
        gpu_seconds.add_metric([study.name], tally.gpu_seconds)
    yield from (trials, failures, proposals, evaluations, live, gpu_seconds)


class Metrics:
    """The registry of one serving process."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(StudyCollector(store))
        self.events = Counter("nago_events", "What loops did", ["study", "event"], registry=self._registry)
        self.tick_seconds = Histogram("nago_tick_seconds", "Time of one look and what follows", registry=self._registry)

    def page(self) -> tuple[int, str, bytes]:
        return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
