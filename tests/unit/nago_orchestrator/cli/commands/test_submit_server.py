"""`submit --dry-run`, with and without `--server`, and what `submit` and `doctor` say about a pod template."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.spec import load_study_spec
from tests.api_server import ApiServer, Fault, api_server
from tests.command_line import Run
from tests.conftest import PostgresDatabases
from tests.kubernetes_access import be_found
from tests.store_scene import NOW
from tests.studies import SMALL_BOHB

IMAGE = "registry.example.org/nago-trainer:1"


def write_study(folder: Path, **section: Any) -> Path:
    execution = {"where": "kubernetes", "kubernetes": {"image": IMAGE, **section}}
    file = folder / "study.yaml"
    file.write_text(SMALL_BOHB.replace("{parallelism: 1}", json.dumps(execution)))
    return file


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with api_server() as running:
        be_found(running, tmp_path, monkeypatch)
        yield running


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_a_dry_run_opens_no_connection(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a dry run is offline")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run("submit", str(write_study(tmp_path)), "--dry-run").code == 0


def test_the_api_server_is_asked_by_a_strict_dry_run(run: Run, tmp_path: Path, server: ApiServer) -> None:
    ended = run("submit", str(write_study(tmp_path)), "--dry-run", "--server")
    assert ended.code == 0
    assert "# ok: first Job: the API server would accept small-t00000-a1" in comments(ended.out)
    assert "# ok: first pod: the API server would accept the pod of small-t00000-a1" in comments(ended.out)
    asked = [
        (request.path.rpartition("/")[2], request.query) for request in server.requests if request.method == "POST"
    ]
    strict = {"dryRun": "All", "fieldValidation": "Strict"}
    assert asked == [("jobs", strict), ("pods", strict)]
    assert server.jobs() == {}
    assert yaml.safe_load(ended.out)["kind"] == "Job", "what is said are comments"


def test_what_the_api_server_warns_of_is_shown(run: Run, tmp_path: Path, server: ApiServer) -> None:
    server.cluster.warnings = ["spec.a is deprecated"]
    ended = run("submit", str(write_study(tmp_path)), "--dry-run", "--server")
    assert ended.code == 0
    told = "# warning: first Job: the API server would accept small-t00000-a1, but warns: spec.a is deprecated"
    assert told in comments(ended.out)


def test_a_refusal_of_the_api_server_is_one_sentence_and_an_exit_code(
    run: Run, tmp_path: Path, server: ApiServer
) -> None:
    server.faults.append(Fault(method="POST", path="dryRun", status=422, message="Job is invalid: spec.a is wrong"))
    ended = run("submit", str(write_study(tmp_path)), "--dry-run", "--server")
    assert ended.code == 3
    (told,) = [line for line in comments(ended.out) if "problem" in line]
    assert told.startswith("# problem: first Job: the API server refuses it: ")
    assert told.endswith("Job is invalid: spec.a is wrong")


def test_an_unknown_field_that_is_sent_all_the_same_is_refused_by_the_api_server(
    run: Run, tmp_path: Path, server: ApiServer
) -> None:
    file = write_study(tmp_path, pod_template={"spec": {"nodeSelectr": {"a": "b"}}}, allow_unsafe_template=True)
    ended = run("submit", str(file), "--dry-run", "--server")
    assert ended.code == 3
    assert "# warning: spec.nodeSelectr is not a known field of a pod template" in comments(ended.out)
    assert 'unknown field "spec.template.spec.nodeSelectr"' in ended.out


def test_without_a_cluster_there_is_one_problem(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    ended = run("submit", str(write_study(tmp_path)), "--dry-run", "--server")
    assert ended.code == 3
    assert "# problem: access: " in ended.out


def test_the_server_is_asked_in_dry_runs_of_studies_with_jobs_alone(run: Run, tmp_path: Path) -> None:
    file = str(write_study(tmp_path))
    for options, words in (
        (["--server"], "add --dry-run"),
        (["--server", "--dry-run", "--local"], "leave out --server"),
    ):
        ended = run("submit", file, *options)
        assert ended.code == 2
        assert words in ended.err


UNSAFE: dict[str, Any] = {"pod_template": {"spec": {"hostNetwork": True}}, "allow_unsafe_template": True}
WARNING = "spec.hostNetwork gives the pod access to its node"


def test_what_a_study_allows_is_printed(run: Run, tmp_path: Path, server: ApiServer) -> None:
    file = str(write_study(tmp_path, **UNSAFE))
    assert f"# warning: {WARNING}" in comments(run("submit", file, "--dry-run").out)
    found = {finding["check"]: finding for finding in json.loads(run("doctor", file, "-o", "json").out)}
    assert (found["pod template"]["state"], found["pod template"]["detail"]) == ("warning", WARNING)


def test_what_a_study_allows_is_printed_when_it_is_stored(postgres: PostgresDatabases, tmp_path: Path) -> None:
    told: list[str] = []
    spec = load_study_spec(write_study(tmp_path, **UNSAFE))
    submit_study(spec, postgres.without_rows(), NOW, on_doubt=told.append)
    assert told == [WARNING]


def test_a_template_is_looked_at_also_where_no_network_can_be_trained(run: Run, tmp_path: Path) -> None:
    file = write_study(tmp_path, pod_template={"spec": {"hostNetwork": True}})
    file.write_text(file.read_text().replace("parameter_limit: 3000", "parameter_limit: 10"))
    ended = run("submit", str(file), "--detach")
    assert ended.code == 2
    assert WARNING in ended.err
