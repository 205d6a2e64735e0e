"""Pods with a container beside the trainer's, and pods whose container does not begin."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Row

from nago_orchestrator.domain.states import AttemptState, StudyState
from tests.cluster.documents import Document
from tests.cluster.pods.site import Site, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def with_sidecar(site: Site) -> Document:
    """A container that goes on when the trainer has ended."""
    image = site.installation.images.trainer
    sidecar = {"name": "mesh", "image": image, "command": ["sleep", "100000"], "securityContext": RESTRICTED}
    return {"pod_template": {"spec": {"containers": [sidecar]}}}


def test_a_sidecar_keeps_no_trial_from_its_end(site: Site) -> None:
    site.submit(site.study_file("sidecar", trials=2, kubernetes=with_sidecar(site)))
    assert site.wait_until_over("sidecar").state == StudyState.COMPLETED
    assert [found.state for found in site.attempts("sidecar")] == [AttemptState.SUCCEEDED] * 2
    assert site.left_behind("sidecar") == []


def test_why_a_trial_waits_is_known_while_it_waits(site: Site) -> None:
    site.submit(site.study_file("waiting", kubernetes={"node_selector": {"nago.dev/planet": "mars"}}))

    def told() -> Row[Any] | None:
        return next((found for found in site.attempts("waiting") if found.reason is not None), None)

    found = until(told, "the reason")
    assert (found.state, found.reason) == (AttemptState.CREATED, "Unschedulable")
    assert "0/1 nodes are available" in found.message
    shown = site.installation.orchestrator("status", "waiting")
    assert "1 attempt not running: 1 Unschedulable" in shown
    site.installation.orchestrator("cancel", "waiting", "--yes")
