"""Pod templates at random, mostly of fields that Kubernetes knows: refused in a sentence, or harmless."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job, doubts_about
from nago_orchestrator.executors.kubernetes.manifest.template_rules import (
    Fixed,
    Only,
    Part,
    Parts,
    Refused,
    Rule,
    Shape,
)
from nago_orchestrator.executors.kubernetes.manifest.template_table import TABLE
from nago_orchestrator.executors.kubernetes.preflight.dry_run import pod_of
from nago_orchestrator.executors.kubernetes.preflight.named_objects import names_of
from nago_orchestrator.executors.kubernetes.preflight.pod import needs_of
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label

NAME = "small-t00012-a1"
TEMPLATES = 60
RISK = 0.03
"""Of each value to be odd, and of each field that is refused to be there."""
NAMES = ("trainer", "tmp", "a", "b")
ODD: tuple[Any, ...] = (None, 0, -1, 1.5, True, False, "", "x", [], {}, [1], [None], [[]], [{}], {"a": 1}, {1: 2})
RESTRICTED_VOLUMES = frozenset(
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"]
)
VALUES = {
    Shape.TEXT: "a",
    Shape.TEXTS: ["ALL"],
    Shape.NUMBER: 1,
    Shape.NUMBERS: [1],
    Shape.FLAG: True,
    Shape.PORT: 80,
    Shape.QUANTITY: "1Gi",
    Shape.QUANTITIES: {"cpu": "1", "memory": "1Gi"},
    Shape.LABELS: {"a": "b"},
}


def some_value(rule: Rule, chance: random.Random) -> Any:
    if chance.random() < RISK:
        return chance.choice(ODD)
    match rule:
        case Part(kind):
            return some_fields(kind, chance)
        case Parts(kind, key):
            items = [some_fields(kind, chance) for _ in range(chance.randint(0, 2))]
            name = 80 if key == "containerPort" else chance.choice(NAMES)
            return [item if key is None else {**item, key: name} for item in items]
        case Shape():
            return VALUES[rule]
        case Fixed(shape):
            return VALUES[shape]
        case Only(values):
            return chance.choice(values)
        case _:
            return chance.choice((*ODD, "a", ["ALL"], 1))


def some_fields(kind: str, chance: random.Random) -> dict[str, Any]:
    rules = {
        name: rule
        for name, rule in TABLE[kind].items()
        if not isinstance(rule, (Refused, Fixed)) or chance.random() < RISK
    }
    names = chance.sample(list(rules), min(len(rules), chance.randint(1, 2)))
    return {name: some_value(rules[name], chance) for name in names}


def assert_restricted(pod: dict[str, Any]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, written down a second time."""
    assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] != "Unconfined"
    assert not pod["securityContext"].get("sysctls")
    assert pod["automountServiceAccountToken"] is False
    assert pod["restartPolicy"] == "Never"
    for volume in pod["volumes"]:
        assert volume.keys() - {"name"} <= RESTRICTED_VOLUMES
    for container in [*pod["containers"], *(pod.get("initContainers") or [])]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert "ALL" in security["capabilities"]["drop"]
        assert set(security["capabilities"].get("add") or ()) <= {"NET_BIND_SERVICE"}
        assert not security.get("privileged")
        assert security.get("runAsUser") != 0
        assert not any(port.get("hostPort") for port in container.get("ports") or [])


@pytest.mark.parametrize("seed", range(3))
def test_a_template_is_refused_in_a_sentence_or_is_harmless(task: TrialTask, seed: int) -> None:
    chance = random.Random(seed)
    passed = 0
    for _ in range(TEMPLATES):
        patch = some_fields("PodTemplateSpec", chance)
        for allowed in (False, True):
            settings = kubernetes_settings(pod_template=patch, allow_unsafe_template=allowed)
            try:
                doubts = doubts_about(NAME, task, study_label(), settings)
                job = build_job(NAME, task, study_label(), settings)
            except SpecError:
                continue
            assert allowed or not doubts
            json.dumps(job, allow_nan=False)
            assert list(names_of(needs_of(job, ("nago", "url"))))
            assert pod_of(job)["kind"] == "Pod"
            if not doubts:
                passed += 1
                assert_restricted(job["spec"]["template"]["spec"])
    assert passed > TEMPLATES / 10
