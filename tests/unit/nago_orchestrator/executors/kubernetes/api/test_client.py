"""HTTP to an API server that does all that one may do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.kubernetes.api.access import find_access
from nago_orchestrator.executors.kubernetes.api.client import ClientOptions, KubernetesClient, read_warnings
from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiConflictError,
    ApiError,
    ApiForbiddenError,
    ApiGoneError,
    ApiNotFoundError,
    ApiUnavailableError,
)
from nago_orchestrator.executors.kubernetes.api.token_bucket import TokenBucket
from nago_trainer.contract.back_off import BackOff
from tests.api_server import NAMESPACE, ApiServer, Fault
from tests.kubernetes_access import QUICK, access_to, client_of
from tests.waiting import PATIENCE_SECONDS

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
JOB = {"metadata": {"name": "a", "labels": {}}, "spec": {}}


def test_the_token_is_really_sent(server: ApiServer) -> None:
    client_of(server, tokens=["tell-me"]).get(JOBS)
    assert server.requests[-1].headers["authorization"] == "Bearer tell-me"


def kubeconfig(server: ApiServer, **context: str) -> str:
    return yaml.safe_dump(
        {
            "current-context": "one",
            "contexts": [
                {"name": "one", "context": {"cluster": "c", "user": "u", **context}},
                {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "second"}},
            ],
            "clusters": [{"name": "c", "cluster": {"server": server.address}}],
            "users": [{"name": "u", "user": {"token": "from-the-file"}}],
        }
    )


@pytest.mark.parametrize(
    ("chosen", "given", "namespace"), [(None, "", "default"), (None, "mine", "mine"), ("two", "mine", "second")]
)
def test_a_kubeconfig_says_where_and_who(
    server: ApiServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chosen: str | None,
    given: str,
    namespace: str,
) -> None:
    file = tmp_path / "config"
    file.write_text(kubeconfig(server, **({"namespace": given} if given else {})))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    access = find_access(chosen)
    assert access.namespace == namespace
    KubernetesClient(access, QUICK).get(JOBS)
    assert server.requests[-1].headers["authorization"] == "Bearer from-the-file"


def test_without_any_access_the_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(InputError, match="set KUBECONFIG"):
        find_access()


def test_an_unknown_context_is_named(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config"
    file.write_text(kubeconfig(server))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    with pytest.raises(InputError, match="no context three"):
        find_access("three")


def test_a_401_reads_the_credentials_again_once(server: ApiServer) -> None:
    client = client_of(server, tokens=["old", "new"])
    server.faults.append(Fault(status=401))
    assert client.get(JOBS)["items"] == []
    assert [seen.headers["authorization"] for seen in server.requests] == ["Bearer old", "Bearer new"]
    server.faults.append(Fault(status=401, times=9))
    with pytest.raises(ApiError, match="check the user of the kubeconfig"):
        client.get(JOBS)
    assert server.count("GET") == 4


@pytest.mark.parametrize("content", ["a: [", "just a text", "apiVersion: v1\nclusters: 5", "", "contexts: {}"])
def test_a_kubeconfig_that_is_none_is_told_and_passes(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    file = tmp_path / "config"
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    file.write_text(content)
    with pytest.raises(InputError, match="no access to Kubernetes"):
        find_access()
    file.write_text(kubeconfig(server))
    client = KubernetesClient(find_access(), QUICK)
    file.write_text(content)  # e.g. by somebody who has not finished
    server.faults.append(Fault(status=401))
    with pytest.raises(ApiUnavailableError, match="invalid access to Kubernetes"):
        client.get(JOBS)
    file.write_text(kubeconfig(server))
    server.faults.append(Fault(status=401))
    assert client.get(JOBS)["items"] == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: ApiServer, status: int) -> None:
    server.faults.append(Fault(status=status, times=3))
    assert client_of(server).get(JOBS)["items"] == []
    assert server.count("GET") == 4


def test_a_storm_of_500_ends_in_one_error(server: ApiServer) -> None:
    server.faults.append(Fault(status=500, message="etcd is leaderless", times=100))
    with pytest.raises(ApiUnavailableError, match=r"500 to GET .*etcd is leaderless"):
        client_of(server).get(JOBS)
    assert server.count("GET") == QUICK.tries


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ApiError),
        (403, ApiForbiddenError),
        (404, ApiNotFoundError),
        (409, ApiConflictError),
        (410, ApiGoneError),
        (422, ApiError),
    ],
)
def test_what_will_not_pass_is_not_tried_again(server: ApiServer, status: int, kind: type[ApiError]) -> None:
    server.faults.append(Fault(status=status, message="no", reason="Because", times=9))
    with pytest.raises(kind) as refusal:
        client_of(server).get(JOBS)
    assert type(refusal.value) is kind
    assert (refusal.value.status, refusal.value.reason) == (status, "Because")
    assert server.count("GET") == 1


def test_retry_after_is_heeded(server: ApiServer) -> None:
    slept: list[float] = []
    server.faults.append(Fault(status=429, headers={"Retry-After": "7"}))
    KubernetesClient(access_to(server), ClientOptions(), sleep=slept.append).get(JOBS)
    assert slept == [7.0]


def test_pauses_grow_with_jitter_and_have_an_end(server: ApiServer) -> None:
    slept: list[float] = []
    server.faults.append(Fault(status=503, times=9))
    options = ClientOptions(tries=8, back_off=BackOff(1.0, 10.0))
    client = KubernetesClient(access_to(server), options, sleep=slept.append, jitter=lambda: 0.5)
    with pytest.raises(ApiUnavailableError):
        client.get(JOBS)
    assert slept == [1, 2, 4, 8, 10, 10, 10]


def test_a_server_that_does_not_answer_is_left_in_time(server: ApiServer) -> None:
    server.faults.append(Fault(hang=PATIENCE_SECONDS, times=9))
    with pytest.raises(ApiUnavailableError, match="timeout"):  # and not: the server closed the connection
        client_of(server, ClientOptions(tries=2, back_off=BackOff(0.01, 0.1), read_timeout=0.2)).get(JOBS)


def test_a_connection_that_is_cut_is_made_again(server: ApiServer) -> None:
    server.faults.append(Fault(times=2))
    assert client_of(server).get(JOBS)["items"] == []


def test_a_server_that_is_not_there_is_unavailable(server: ApiServer) -> None:
    client = client_of(server)
    server.close()
    with pytest.raises(ApiUnavailableError, match="does not answer GET"):
        client.get(JOBS)


def test_a_deletion_takes_the_pods_along_and_only_the_object_that_was_meant(server: ApiServer) -> None:
    client = client_of(server)
    uid = client.post(JOBS, JOB)["metadata"]["uid"]
    with pytest.raises(ApiConflictError):
        client.delete(f"{JOBS}/a", uid="another")
    client.delete(f"{JOBS}/a", uid=uid)
    assert server.jobs() == {}
    assert server.requests[-1].body == {"propagationPolicy": "Background", "preconditions": {"uid": uid}}


def test_an_answer_that_is_not_json_is_an_error_of_its_own(server: ApiServer) -> None:
    server.put("pods", {"metadata": {"name": "p", "labels": {}}})
    server.logs["p"] = "<html>"
    with pytest.raises(ApiError, match="not JSON"):
        client_of(server).get(f"/api/v1/namespaces/{NAMESPACE}/pods/p/log")
    assert client_of(server).text(f"/api/v1/namespaces/{NAMESPACE}/pods/p/log") == "<html>"


def test_a_bucket_lets_through_a_burst_and_then_its_rate() -> None:
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    bucket = TokenBucket(rate=10, burst=5, sleep=sleep, clock=lambda: now[0])
    for _ in range(25):
        bucket.take()
    assert now[0] == pytest.approx(2.0)
    now[0] += 100
    slept.clear()
    for _ in range(5):
        bucket.take()
    assert slept == []


def test_every_request_is_told_with_its_verb_and_what_became_of_it(server: ApiServer) -> None:
    told: list[tuple[str, str]] = []
    client = KubernetesClient(
        access_to(server), QUICK, on_call=lambda verb, status, seconds: told.append((verb, status))
    )
    server.faults += [Fault(method="POST", status=503), Fault(method="POST", hang=0.0)]
    client.post(JOBS, JOB)
    client.get(JOBS)
    with client.lines(
        JOBS, {"watch": "true", "resourceVersion": str(server.version())}, silence=PATIENCE_SECONDS
    ) as lines:
        assert lines is not None
    with pytest.raises(ApiNotFoundError):
        client.get(f"{JOBS}/b")
    assert told == [
        ("POST", "503"),
        ("POST", "unanswered"),
        ("POST", "201"),
        ("GET", "200"),
        ("WATCH", "200"),
        ("GET", "404"),
    ]


def test_warnings_are_read_out_of_their_headers() -> None:
    headers = [
        '299 - "a is deprecated, use b", 299 kube-apiserver "say \\"c\\""',
        '299 - "a is deprecated, use b"',
        "x",
    ]
    assert read_warnings(headers) == ("a is deprecated, use b", 'say "c"')
    assert read_warnings([]) == ()
