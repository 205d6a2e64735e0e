"""The watch keeps up with the cluster, whatever becomes of its connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from nago_orchestrator.executors.kubernetes.api.watch import JobWatch, WatchTiming
from nago_trainer.contract.back_off import BackOff
from tests.api_server import NAMESPACE, ApiServer, Fault, Object
from tests.kubernetes_access import client_of, study_label
from tests.waiting import PATIENCE_SECONDS, until

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
NEVER = 10 * PATIENCE_SECONDS
QUICK = WatchTiming(full_list=NEVER, silence=NEVER, back_off=BackOff(0.02, 0.1))
LABELS = dict(part.split("=") for part in study_label().selector.split(","))
Start = Callable[..., JobWatch]


def job(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": {**LABELS, **labels}}, "spec": {"template": {"secret": 1}}}


@pytest.fixture
def start(server: ApiServer) -> Iterator[Start]:
    started: list[JobWatch] = []

    def make(timing: WatchTiming = QUICK) -> JobWatch:
        watch = JobWatch(client_of(server), JOBS, study_label().selector, timing)
        started.append(watch)
        assert watch.wait_synced(PATIENCE_SECONDS)
        return watch

    yield make
    for watch in started:
        watch.close()


def becomes(wanted: set[str], watch: JobWatch) -> bool:
    until(lambda: set(watch.jobs()) == wanted, lambda: f"{set(watch.jobs())} instead of {wanted}")
    return True


def lists(server: ApiServer) -> int:
    return sum(seen.method == "GET" and not seen.query.get("watch") for seen in list(server.requests))


def watches(server: ApiServer) -> int:
    return sum(bool(seen.query.get("watch")) for seen in list(server.requests))


def listed_again(server: ApiServer) -> None:
    """Returns once the watch has taken in a list that began after this call."""
    begun = lists(server)
    until(lambda: lists(server) > begun + 1)


def test_it_lists_once_and_follows(server: ApiServer, start: Start) -> None:
    server.put("jobs", job("a"))
    watch = start()
    assert set(watch.jobs()) == {"a"}
    server.put("jobs", job("b"))
    assert becomes({"a", "b"}, watch)
    server.change("jobs", "a", lambda found: found.update(status={"active": 1}))
    server.remove("jobs", "b")
    assert becomes({"a"}, watch)
    assert watch.jobs()["a"]["status"] == {"active": 1}
    assert lists(server) == 1


def test_only_the_studys_own_jobs_are_asked_for_and_their_templates_are_not_kept(
    server: ApiServer, start: Start
) -> None:
    server.put("jobs", job("a"))
    server.put("jobs", job("b", **{"nago.dev/study-key": "other"}))
    watch = start()
    server.put("jobs", job("c", **{"nago.dev/study": "other"}))
    server.put("jobs", job("d"))
    assert becomes({"a", "d"}, watch)
    assert "template" not in str(watch.jobs())


def test_a_long_list_comes_in_pages(server: ApiServer, start: Start) -> None:
    server.page = 3
    for number in range(10):
        server.put("jobs", job(f"j{number}"))
    assert len(start().jobs()) == 10
    assert server.requests[0].query["limit"] == "500"


def test_a_page_that_expires_begins_the_list_again(server: ApiServer, start: Start) -> None:
    server.page, server.expired_pages = 3, 2
    for number in range(10):
        server.put("jobs", job(f"j{number}"))
    assert len(start().jobs()) == 10


@pytest.mark.parametrize("as_event", [False, True])
def test_a_version_that_is_too_old_is_listed_anew(server: ApiServer, start: Start, as_event: bool) -> None:
    server.gone_as_event = as_event
    server.watch_seconds = 0.1
    server.bookmark_seconds = 9.0
    watch = start()
    with server.changed:
        server.put("jobs", job("a"))
        server.compact()
    assert becomes({"a"}, watch)
    until(lambda: lists(server) >= 2)


def test_bookmarks_spare_lists_of_what_is_long_past(server: ApiServer, start: Start) -> None:
    server.watch_seconds, server.bookmark_seconds = 0.15, 0.02
    watch = start()
    server.compact()
    until(lambda: int(server.requests[-1].query.get("resourceVersion", 0)) >= server.oldest_version)
    server.put("jobs", job("a"))
    assert becomes({"a"}, watch)
    assert lists(server) <= 2


def test_a_watch_that_keeps_ending_is_begun_again_where_it_ended(server: ApiServer, start: Start) -> None:
    server.watch_seconds = 0.03
    began = time.monotonic()
    watch = start()
    for number in range(20):
        server.put("jobs", job(f"j{number}"))
        time.sleep(0.01)
    assert becomes({f"j{number}" for number in range(20)}, watch)
    assert lists(server) == 1
    asked = server.count("GET")
    assert asked <= 3 + (time.monotonic() - began) / server.watch_seconds, "not as fast as it can"


@pytest.mark.slow
def test_a_half_open_socket_is_noticed_by_its_silence(server: ApiServer, start: Start) -> None:
    watch = start(WatchTiming(full_list=NEVER, silence=0.3, back_off=BackOff(0.02, 0.1)))
    server.silent.set()
    server.put("jobs", job("a"))
    begun = watches(server)
    until(lambda: watches(server) > begun + 1)
    assert watch.jobs() == {}
    server.silent.clear()
    assert becomes({"a"}, watch)
    assert lists(server) == 1


@pytest.mark.slow
def test_the_watch_survives_an_outage(server: ApiServer, start: Start) -> None:
    server.watch_seconds = 0.05
    watch = start()
    server.faults.append(Fault(status=503, times=30))
    server.put("jobs", job("a"))
    server.put("jobs", job("b"))
    assert becomes({"a", "b"}, watch)
    assert watch.trouble is None


def test_a_watch_that_is_refused_lists_again(server: ApiServer, start: Start) -> None:
    server.watch_seconds = 0.05
    watch = start()
    server.faults.append(Fault(path="watch=true", status=403, times=3))
    server.put("jobs", job("a"))
    assert becomes({"a"}, watch)


@pytest.mark.slow
def test_everything_is_listed_now_and_then_whatever_the_watch_says(server: ApiServer, start: Start) -> None:
    watch = start(WatchTiming(full_list=0.2, silence=30, back_off=BackOff(0.02, 0.1)))
    server.watch_seconds = 0.1
    with server.changed:
        server.objects["jobs"]["missed"] = server.put("jobs", job("missed"))
        server.history.clear()
    assert becomes({"missed"}, watch)


def test_watches_end_at_random_within_their_bounds(server: ApiServer, start: Start) -> None:
    server.watch_seconds = 0.01
    start(WatchTiming(full_list=600, back_off=BackOff(0.005, 0.005)))

    def asked() -> set[int]:
        return {int(seen.query["timeoutSeconds"]) for seen in list(server.requests) if seen.query.get("watch")}

    until(lambda: len(asked()) > 3)
    assert asked() <= set(range(240, 301))


def test_a_job_that_was_just_created_is_not_forgotten_by_an_older_list(server: ApiServer, start: Start) -> None:
    watch = start(WatchTiming(full_list=0.1, silence=NEVER, back_off=BackOff(0.02, 0.1)))
    server.watch_seconds = 0.02
    server.faults.append(Fault(path="watch=true", status=403, times=10_000))
    for number in range(5):
        created = job(f"j{number}")
        server.put("jobs", created)
        watch.add(created)
        begun = lists(server)
        until(lambda: f"j{number}" not in watch.jobs() or lists(server) > begun + 1)  # noqa: B023  # done within the turn
        assert f"j{number}" in watch.jobs()


def test_a_list_that_knows_more_than_the_creator_is_believed(server: ApiServer, start: Start) -> None:
    watch = start(WatchTiming(full_list=0.05, silence=NEVER, back_off=BackOff(0.02, 0.1)))
    server.faults.append(Fault(path="watch=true", status=403, times=10_000))
    created = server.put("jobs", job("a"))
    server.change("jobs", "a", lambda found: found.update(status={"active": 1}))
    listed_again(server)
    watch.add(created)
    assert watch.jobs()["a"]["status"] == {"active": 1}
    listed_again(server)
    assert watch.jobs()["a"]["status"] == {"active": 1}


def test_what_was_deleted_is_gone_at_once_but_not_its_successor(server: ApiServer, start: Start) -> None:
    watch = start()
    watch.add({"metadata": {"name": "a", "uid": "new"}})
    watch.remove("a", "old")
    assert set(watch.jobs()) == {"a"}
    watch.remove("a", "new")
    assert watch.jobs() == {}


def test_a_job_whose_end_was_seen_before_the_answer_to_its_creation_stays_away(server: ApiServer, start: Start) -> None:
    watch = start()
    created = server.put("jobs", job("a"))
    until(lambda: "a" in watch.jobs())
    server.remove("jobs", "a")
    until(lambda: "a" not in watch.jobs())
    watch.add(created)
    assert watch.jobs() == {}


@pytest.mark.parametrize("path", ["limit", "watch"])
def test_an_answer_that_makes_no_sense_does_not_end_it(server: ApiServer, start: Start, path: str) -> None:
    """Something between us and the API server may answer in its place."""
    server.faults.append(Fault(path=path, status=200, times=3))
    watch = start()
    server.put("jobs", job("a"))
    assert becomes({"a"}, watch)
