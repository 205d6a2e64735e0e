"""`doctor`, `submit --dry-run` and `logs -f` on a real cluster, from the orchestrator's pod and from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.cluster.installation import Installation
from tests.cluster.kubectl import PATIENCE_SECONDS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "few"},
    "spec": {"hard": {"limits.cpu": "8", "pods": "20"}},
}
"""It refuses every pod without a limit of CPU, which trials do not have."""
FOLLOW = "until nago-orch logs examined/1 -f 2>&1; do sleep 1; done"
"""The trial is there a moment after the study."""
EPOCHS = 6
"""Few: the follower is there before the pod is."""
Findings = dict[str, dict[str, Any]]


def study(installation: Installation, **kubernetes: Any) -> str:
    """Two trials at a time on digits, with the images of the installation."""
    section = {
        "image": installation.images.trainer,
        "namespace": installation.namespace,
        "gpu": {"count": 0},
        "cpu": "100m",
        "service_account": "nago-trainer",
        "checkpoints": {"claim": "nago-checkpoints"},
        **kubernetes,
    }
    content = {
        "name": "examined",
        "search": {"algorithm": "random", "proposals": 2},
        "fidelities": [EPOCHS],
        "trainer": {"dataset": {"name": "digits"}, "parameter_limit": 5000},
        "execution": {"where": "kubernetes", "parallelism": 2, "kubernetes": section},
    }
    return yaml.safe_dump(content)


def inside(installation: Installation, text: str) -> Findings:
    """The orchestrator's view, which may hardly read anything."""
    command = "nago-orch doctor - -o json || test $? = 3"
    printed = installation.kubectl(
        "exec", "--stdin", "deployment/nago-orchestrator", "--", "sh", "-c", command, given=text
    )
    return {found["check"]: found for found in json.loads(printed)}


def outside(installation: Installation, text: str) -> tuple[int, Findings]:
    """An administrator's view, from this machine; with the exit code."""
    with installation.database() as address:
        done = subprocess.run(
            [sys.executable, "-m", "nago_orchestrator", "doctor", "-", "-o", "json", "--database", address],
            input=text,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KUBECONFIG": str(installation.kubectl.kubeconfig)},
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    return done.returncode, {found["check"]: found for found in json.loads(done.stdout)}


def states(findings: Findings, *checks: str) -> dict[str, str]:
    return {check: findings[check]["state"] for check in checks}


def test_the_doctor_says_before_what_would_fail(installation: Installation) -> None:
    installation.wait_until_ready()
    sound = inside(installation, study(installation))
    assert [found for found in sound.values() if found["state"] == "problem"] == []
    assert {found["state"] for check, found in sound.items() if check.startswith("right to ")} == {"ok"}
    expected = {"role nago_trainer": "ok", "trainers' logins": "ok", "connections": "ok", "first Job": "ok"}
    assert states(sound, *expected) == expected
    assert states(sound, "Secret nago-trainer-database", "first pod") == {
        "Secret nago-trainer-database": "ok",
        "first pod": "unknown",
    }
    code, seen = outside(installation, study(installation, gpu={"count": 1}))
    assert code == 0
    expected = {"nodes": "ok", "Secret nago-trainer-database": "ok", "quota": "ok"}
    assert states(seen, *expected) == expected
    installation.kubectl.apply(QUOTA)
    try:
        code, seen = outside(
            installation,
            study(installation, gpu={"resource": "example.org/none"}, service_account="nobody"),
        )
    finally:
        installation.kubectl("delete", "resourcequota", "few")
    assert code == 3
    problems = {check for check, found in seen.items() if found["state"] == "problem"}
    assert problems == {
        "nodes",
        "first pod",
        "service account nobody",
    }
    assert seen["quota few"]["state"] == "ok", "what it refuses is told by the first pod"
    assert all(found["remedy"] for found in seen.values() if found["state"] != "ok")


def test_a_dry_run_shows_the_job_and_a_log_is_followed_to_its_end(installation: Installation) -> None:
    installation.wait_until_ready()
    text = study(installation)
    shown = installation.orchestrator("submit", "-", "--dry-run", "--server", given=text)
    assert "# ok: first Job: the API server would accept examined-t00000-a1" in shown
    assert f"# 2 trials, {2 * EPOCHS} epochs in total: 2 of {EPOCHS} epochs" in shown
    job = yaml.safe_load(shown)
    assert job["metadata"]["name"] == "examined-t00000-a1"
    installation.kubectl("create", "--dry-run=server", "--validate=false", "--filename", "-", given=shown)
    assert "examined" not in {found["name"] for found in json.loads(installation.orchestrator("list", "-o", "json"))}
    installation.orchestrator("submit", "-", "--detach", given=text)
    followed = installation.kubectl(
        *("exec", "deployment/nago-orchestrator", "--"),
        *("sh", "-c", FOLLOW),
    )
    seen = [int(number) for number in re.findall(r"^epoch (\d+): ", followed, re.MULTILINE)]
    assert seen == list(range(1, EPOCHS + 1))
    assert followed.splitlines()[-1] == "attempt 1 of trial examined/1 has ended, succeeded"
