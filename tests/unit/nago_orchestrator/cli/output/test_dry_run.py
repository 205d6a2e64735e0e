from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.command_line import Run
from tests.studies import SMALL_BOHB

JOBS = """{
  where: kubernetes, parallelism: 3,
  kubernetes: {image: registry.example.org/nago-trainer:1, pod_template: {spec: {hostAliases: []}}}
}"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(SMALL_BOHB.replace("{parallelism: 1}", JOBS) + "limits: {trials: 20, gpu_hours: 1.5}\n")
    return file


def test_the_first_job_is_printed_below_what_the_study_costs(run: Run, study_file: Path) -> None:
    ended = run("submit", str(study_file), "--dry-run")
    assert ended.code == 0
    comments = [line for line in ended.out.splitlines() if line.startswith("#")]
    assert comments[0] == "# study small, bohb, seed 3: nothing is stored"
    assert comments[1] == "# 26 trials, 64 epochs in total: 8 of 1 epoch, 8 of 2 epochs, 10 of 4 epochs"
    assert comments[2] == "# limits: no new proposal after 20 trials or 1.5 GPU-hours"
    assert comments[3] == (
        "# at most 3 Jobs at a time, each with 1 nvidia.com/gpu, 1 CPU, 6144Mi memory (from the plan; limit 7168Mi)"
    )
    assert comments[4] == "# at most 3 nvidia.com/gpu at a time in total"
    assert comments[5].startswith("# 8 networks sampled for an estimate: ")
    job = yaml.safe_load(ended.out)
    assert (job["kind"], job["metadata"]["name"]) == ("Job", "small-t00000-a1")


def test_nothing_is_stored_and_no_database_is_wanted(run: Run, study_file: Path) -> None:
    assert run("submit", str(study_file), "--dry-run", "--database", "postgresql://nobody@127.0.0.1:1/x").code == 0
    assert json.loads(run("list", "-o", "json").out) == []


def test_of_a_local_study_the_first_task_is_printed(run: Run, study_file: Path) -> None:
    ended = run("submit", str(study_file), "--dry-run", "--local")
    assert ended.code == 0
    assert "# at most 3 processes at a time on this machine, each with 1 thread" in ended.out
    task = yaml.safe_load(ended.out)
    assert (task["trial"], task["epochs"], task["token"]) == (0, 1, "not-a-token")


def test_the_devices_among_which_trials_are_spread_are_named(run: Run, study_file: Path) -> None:
    spread = "execution: {devices: [cpu], trials_per_device: 3, parallelism: 3}\n"
    study_file.write_text(study_file.read_text().partition("execution:")[0] + spread)
    ended = run("submit", str(study_file), "--dry-run")
    assert "each with 1 thread, on cpu (3 trials each)" in ended.out, ended.err


def test_networks_beyond_the_limit_are_one_sentence(run: Run, study_file: Path) -> None:
    study_file.write_text(study_file.read_text().replace("parameter_limit: 3000", "parameter_limit: 10"))
    ended = run("submit", str(study_file), "--dry-run")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("error: none of the first 8 networks of the study can be trained")


def test_a_bad_template_is_refused_with_and_without(run: Run, study_file: Path) -> None:
    study_file.write_text(study_file.read_text().replace("hostAliases: []", "hostNetwork: true"))
    for options in (["--dry-run"], []):
        ended = run("submit", str(study_file), *options)
        assert (ended.code, ended.out) == (2, "")
        assert "hostNetwork" in ended.err
    assert json.loads(run("list", "-o", "json").out) == []
