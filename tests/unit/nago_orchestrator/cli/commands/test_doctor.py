from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.services.installation import installation_findings, machine_findings
from nago_orchestrator.store.store import open_store
from tests.command_line import Ended, Run
from tests.studies import OF_TODAY, SMALL_BOHB, create, small_spec


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
    assert found["study small"]["detail"] == "26 trials, 64 epochs in total"


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
    assert "need PostgreSQL" in found["database"]["detail"]
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

    # Everything is installed here.
    monkeypatch.setattr("nago_orchestrator.services.installation.version", nothing_installed)
    problems = [
        {finding.check for finding in installation_findings(tmp_path, for_jobs=jobs) if finding.state == "problem"}
        for jobs in (False, True)
    ]
    assert problems == [{"torch"}, {"kubernetes", "psycopg2-binary"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("seed: 4", "another specification"),
        ("name: other\nwarm_start: [smal]", "no study 'smal': did you mean 'small'?"),
        ("name: other\nwarm_start: [small]", "it has no evaluation yet"),
    ],
)
def test_what_submit_would_refuse_for_the_database_is_a_problem(
    run: Run, study_file: Path, tmp_path: Path, change: str, words: str
) -> None:
    store = open_store(str(tmp_path / "nago.sqlite"))
    create(store, small_spec(), OF_TODAY)
    store.close()
    check = ["doctor", str(study_file), "--database", str(tmp_path / "nago.sqlite"), "-o", "json"]
    assert by_check(run(*check))["study small in the database"]["state"] == "ok"
    changed = {line.partition(":")[0] for line in change.splitlines()}
    kept = [line for line in SMALL_BOHB.splitlines() if line.partition(":")[0] not in changed]
    study_file.write_text("\n".join([*kept, change]))
    ended = run(*check)
    assert ended.code == 3
    name = "other" if "other" in change else "small"
    found = by_check(ended)[f"study {name} in the database"]
    assert words in found["detail"]
    assert run("submit", str(study_file), "--database", str(tmp_path / "nago.sqlite")).code in (2, 4)


def test_a_warm_start_from_an_empty_database_is_a_problem(run: Run, study_file: Path, tmp_path: Path) -> None:
    study_file.write_text(SMALL_BOHB + "\nwarm_start: [before]\n")
    ended = run("doctor", str(study_file), "--database", str(tmp_path / "none.sqlite"), "-o", "json")
    assert "there is no study 'before'" in by_check(ended)["study small in the database"]["detail"]
    assert not (tmp_path / "none.sqlite").exists()
