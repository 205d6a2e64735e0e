"""What Prometheus is told: counts from the database at each scrape, so that they are true whoever asks and restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nago_orchestrator.domain.states import Failure, StudyState
from nago_orchestrator.store.records import Study, Tally
from nago_orchestrator.store.store import Store

MOST_REASONS = 20
"""Of a study that are told apart: a reason may be any word of a trainer's."""
SHOWN = (StudyState.RUNNING, StudyState.PAUSED)
"""Studies that are over stay in the database and out of the metrics."""


class StudyCollector(Collector):
    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        studies = [study for study in self._store.studies() if study.state in SHOWN]
        yield from study_metrics([(study, self._store.tally(study.id)) for study in studies])
        yield failure_metric([(study, self._store.failure_reasons(study.id)) for study in studies])


def study_metrics(counts: Iterable[tuple[Study, Tally]]) -> Iterable[Metric]:
    """Labels are bounded: the study's name and a state or a kind of failure, never a trial."""
    trials = GaugeMetricFamily("nago_trials", "Trials by state", labels=["study", "state"])
    proposals = GaugeMetricFamily("nago_proposals", "Proposals made", labels=["study"])
    evaluations = GaugeMetricFamily("nago_evaluations", "Evaluated proposals", labels=["study"])
    live = GaugeMetricFamily("nago_live_attempts", "Attempts that have not ended", labels=["study"])
    waiting = GaugeMetricFamily(
        "nago_waiting_attempts", "Attempts that have not ended and do not run", labels=["study", "reason"]
    )
    gpu_seconds = GaugeMetricFamily("nago_gpu_seconds", "GPU time of attempts that have ended", labels=["study"])
    for study, tally in counts:
        for state, count in tally.trials.items():
            trials.add_metric([study.name, state.value], count)
        proposals.add_metric([study.name], tally.proposals)
        evaluations.add_metric([study.name], tally.evaluations)
        live.add_metric([study.name], tally.live_attempts)
        for reason, count in Counter(tally.waiting).most_common(MOST_REASONS):
            waiting.add_metric([study.name, reason], count)
        gpu_seconds.add_metric([study.name], tally.gpu_seconds)
    yield from (trials, proposals, evaluations, live, waiting, gpu_seconds)


def failure_metric(counts: Iterable[tuple[Study, Mapping[tuple[Failure, str], int]]]) -> Metric:
    """Every kind of failure is there, with no attempts if need be; beyond MOST_REASONS of a study it is `Other`."""
    metric = GaugeMetricFamily(
        "nago_failed_attempts", "Failed attempts by cause", labels=["study", "failure", "reason"]
    )
    for study, reasons in counts:
        shown: Counter[tuple[Failure, str]] = Counter({(failure, "Other"): 0 for failure in Failure})
        for place, ((failure, reason), count) in enumerate(Counter(reasons).most_common()):
            shown[failure, reason if place < MOST_REASONS else "Other"] += count
        for (failure, reason), count in shown.items():
            metric.add_metric([study.name, failure.value, reason], count)
    return metric


class Metrics:
    """The registry of one serving process."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(StudyCollector(store))
        self.events = CounterMetric(
            "nago_events", "Events of the control loops", ["study", "event"], registry=self._registry
        )
        self.tick_seconds = Histogram("nago_tick_seconds", "Duration of a tick", registry=self._registry)
        self._calls = Histogram(
            "nago_api_call_seconds", "Requests to the cluster", ["verb", "status"], registry=self._registry
        )

    def note_call(self, verb: str, status: str, seconds: float) -> None:
        """A request to the cluster's API server and the seconds until its answer began."""
        self._calls.labels(verb=verb, status=status).observe(seconds)

    def page(self) -> tuple[int, str, bytes]:
        return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
