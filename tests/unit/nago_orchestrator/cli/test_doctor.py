from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.installation import installation_findings, machine_findings
from tests.command_line import Ended, Run
from tests.studies import SMALL_BOHB


def by_check(ended: Ended) -> dict[str, dict[str, Any]]:
    return {found["check"]: found for found in json.loads(ended.out)}


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(SMALL_BOHB)
    return file


def test_a_sound_installation_has_no_problem(run: Run) -> None:
    ended = run("doctor", "-o", "json")
    assert ended.code == 0
    found = by_check(ended)
    assert {found[check]["state"] for check in ("torch", "python", "database", "data folder")} <= {"ok", "warning"}
    assert "kubernetes" not in found
    assert found["python"]["remedy"] is None


def test_an_unreachable_database_is_a_problem_with_a_remedy(run: Run) -> None:
    ended = run("doctor", "--database", "postgresql://nobody@127.0.0.1:1/nothing")
    assert ended.code == 3
    assert "problem  database" in ended.out
    assert "\nwhat to do\n" in ended.out
    assert "  database: check --database" in ended.out


def test_a_study_is_looked_at_with_all_its_images(run: Run, study_file: Path) -> None:
    found = by_check(run("doctor", str(study_file), "-o", "json"))
    assert found["study small"]["detail"] == "26 trials, 64 epochs in all"


def test_a_study_whose_images_are_not_there_is_a_problem(run: Run, study_file: Path) -> None:
    study_file.write_text(study_file.read_text().replace("{name: digits}", "{name: folder, path: nowhere}"))
    ended = run("doctor", str(study_file), "-o", "json")
    assert ended.code == 3
    assert "nowhere" in by_check(ended)["study small"]["detail"]


def test_a_study_whose_networks_are_too_large_is_a_problem(run: Run, study_file: Path) -> None:
    study_file.write_text(study_file.read_text().replace("parameter_limit: 3000", "parameter_limit: 10"))
    ended = run("doctor", str(study_file), "-o", "json")
    assert by_check(ended)["study small"]["state"] == "problem"


@pytest.mark.parametrize("way", ["study", "option", "inside"])
def test_a_cluster_is_looked_at_where_there_is_one(
    run: Run, study_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    study_file.write_text(
        study_file.read_text().replace("{parallelism: 1}", "{where: kubernetes, kubernetes: {image: trainer}}")
    )
    if way == "inside":
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    arguments = {"study": [str(study_file)], "option": ["--kubernetes"], "inside": []}[way]
    ended = run("doctor", *arguments, "-o", "json")
    found = by_check(ended)
    assert ended.code == 3
    assert "no access to Kubernetes" in found["access"]["detail"]
    assert "not to the file" in found["database"]["detail"], "Jobs need PostgreSQL"
    assert "torch" not in found, "who sends Jobs trains nothing"


def test_a_wrong_study_file_is_wrong_input(run: Run) -> None:
    assert run("doctor", "nowhere.yaml").code == 2


def test_the_data_folder_is_looked_at_but_not_made(tmp_path: Path) -> None:
    findings = {finding.check: finding for finding in machine_findings(tmp_path / "a" / "b")}
    assert findings["data folder"].state in ("ok", "warning")
    assert list(tmp_path.iterdir()) == []


def test_what_is_needed_depends_on_where_trials_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def nothing_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("nago_orchestrator.installation.version", nothing_installed)
    problems = [
        {finding.check for finding in installation_findings(tmp_path, for_jobs=jobs) if finding.state == "problem"}
        for jobs in (False, True)
    ]
    assert problems == [{"torch"}, {"kubernetes", "psycopg2-binary"}]
