"""Runs the measurements one after another, each with a database of its own; `--only` and `--trials` make it quick."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figure import Goal, show
from benchmarks.jobs import study
from benchmarks.jobs.control_plane import ControlPlane, control_plane
from benchmarks.jobs.orchestrator import kubelet, serving
from benchmarks.jobs.witness import Witness
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.store.store import Store, open_store

WORK_SECONDS = 2.0
LASTING_SECONDS = 20.0
FOREVER = 1e9
IDLE_SECONDS = 30.0
LONGEST_SECONDS = 3600.0


def main() -> int:
    known = {"turnover": turnover, "throughput": throughput, "start": start, "idle": idle}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=known, default=list(known))
    parser.add_argument("--trials", type=int, default=5_000, help="of the study whose rate is measured")
    parser.add_argument("--past", type=int, default=10_000, help="finished trials behind the one that is started")
    parser.add_argument("--networks", choices=study.NETWORKS, default="digits", help="whose rate is measured")
    parser.add_argument("--in-flight", type=int, default=200)
    options = parser.parse_args()
    met: list[bool] = []
    for name in options.only:
        with (
            tempfile.TemporaryDirectory(prefix="nago-jobs-", ignore_cleanup_errors=True) as folder,
            control_plane(Path(folder)) as plane,
            study.database() as url,
        ):
            met += known[name](plane, url, options)
    return 0 if all(met) else 1


def turnover(plane: ControlPlane, url: str, options: argparse.Namespace) -> list[bool]:
    """How long a free place stays free: every result lets one more Job come, the k-th result the k-th further one.

    Trainings last differently long, as real ones do: else all of them would end at the same moment, again and again.
    """
    in_flight, trials = options.in_flight // 2, min(options.trials, 700)
    study.new_study(url, name="turnover", trials=trials, parallelism=in_flight)
    witness = Witness(plane.api("admin"))
    with kubelet(plane, url, LASTING_SECONDS, spread=0.5), serving(plane, url):
        store = _wait_for_end(url, "turnover")
    came = sorted(witness.came.values())[in_flight:]
    delays = sorted(job - result for job, result in zip(came, study.result_times(store), strict=False))
    what = f"result row to next Job created, {in_flight} in flight"
    return [
        show("jobs", f"{what}, median", statistics.median(delays), "s", Goal(0.3)),
        show("jobs", f"{what}, 95th percentile", statistics.quantiles(delays, n=20)[-1], "s", Goal(1)),
    ]


def throughput(plane: ControlPlane, url: str, options: argparse.Namespace) -> list[bool]:
    trials, in_flight = options.trials, options.in_flight
    study.new_study(url, name="rate", trials=trials, parallelism=in_flight, networks=options.networks)
    witness = Witness(plane.api("admin"))
    with kubelet(plane, url, WORK_SECONDS):
        with serving(plane, url) as program:
            store = _wait_for_end(url, "rate")
            megabytes, cpu = program.megabytes, program.cpu_seconds
            _wait(lambda: not witness.there)
        ours = trials / (max(witness.went.values()) - min(witness.came.values()))
        requests = plane.requests_of("nago-orch") / trials
        jobs = plane.folder / "jobs.jsonl"
        study.write_jobs(url, "rate", jobs)
        bare = trials / _bare_seconds(plane, jobs, in_flight)
    tally = store.tally(store.study("rate").id)
    lost = trials - tally.trials[TrialState.SUCCEEDED]
    twice = len(witness.twice) + tally.attempts - trials
    what = f"{trials:,} trials, {in_flight} in flight, networks of {options.networks}"
    return [
        show("jobs", f"{what}: trials a second", ours, "/s"),
        show("jobs", f"{what}: of a bare loop", bare, "/s"),
        show("jobs", f"{what}: share of the bare loop's rate", ours / bare, "of 1", Goal(0.7, at_least=True)),
        show("jobs", f"{what}: API requests a trial", requests, "requests", Goal(5)),
        show("jobs", f"{what}: memory of the orchestrator at the end", megabytes, "MB", Goal(300)),
        show("jobs", f"{what}: CPU time of the orchestrator a trial", 1000 * cpu / trials, "ms"),
        show("jobs", f"{what}: lost trials", lost, "trials", Goal(0)),
        show("jobs", f"{what}: trials with a second Job or attempt", twice, "trials", Goal(0)),
    ]


def start(plane: ControlPlane, url: str, options: argparse.Namespace) -> list[bool]:
    """From the command to the first new Job, when a trial has ended while nobody was there."""
    in_flight = options.in_flight
    study.study_with_past(url, past=options.past, parallelism=in_flight)
    witness = Witness(plane.api("admin"))
    with kubelet(plane, url, FOREVER) as node:
        with serving(plane, url) as program:
            _wait(lambda: _running(url) == in_flight)
            program.process.kill()
        store, known = open_store(url), len(witness.came)
        results = len(study.result_times(store))
        node.write(b"5\n")
        node.flush()
        _wait(lambda: len(study.result_times(store)) == results + 5)
        began = time.time()
        with serving(plane, url):
            seconds = witness.wait_for_new(known, 300) - began
    what = f"start with {in_flight} Jobs in flight and {options.past:,} trials behind it"
    return [show("jobs", f"{what}, to the first new Job", seconds, "s", Goal(5))]


def idle(plane: ControlPlane, url: str, options: argparse.Namespace) -> list[bool]:
    in_flight = options.in_flight
    study.new_study(url, name="idle", trials=10 * in_flight, parallelism=in_flight)
    with kubelet(plane, url, FOREVER), serving(plane, url) as program:
        _wait(lambda: _running(url, "idle") == in_flight)
        time.sleep(5)
        busy = program.cpu_share(IDLE_SECONDS)
    return [show("jobs", f"idle with {in_flight} Jobs that run", 100 * busy, "% of a core", Goal(1))]


def _bare_seconds(plane: ControlPlane, jobs: Path, in_flight: int) -> float:
    arguments = [plane.address, plane.tokens["bare"], str(plane.authority), str(jobs), str(in_flight)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.jobs.bare", *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def _wait_for_end(url: str, name: str) -> Store:
    store = open_store(url)
    _wait(lambda: store.study(name).state is not StudyState.RUNNING)
    return store


def _running(url: str, name: str = "long") -> int:
    store = open_store(url)
    try:
        return store.tally(store.study(name).id).trials[TrialState.RUNNING]
    finally:
        store.close()


def _wait(condition: Callable[[], bool]) -> None:
    """Raises TimeoutError after LONGEST_SECONDS."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
