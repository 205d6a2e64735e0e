"""The study that is disturbed in the cluster: small, with hostile trainers among its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from nago_orchestrator.domain.states import StudyState
from tests.chaos.plan import CLUSTER_PARALLELISM, Round
from tests.cluster.documents import Document, small_study
from tests.cluster.installation import Installation
from tests.cluster.kubectl import KubectlError
from tests.cluster.study import ClusterStudy
from tests.hostile import program

PREFIX = "chaos"
NAP_SECONDS = 3
HOLD_SECONDS = 15
"""Of a hostile trainer, at most; some are done at once."""
LOOK_AFTER_SECONDS = 4.0
_COMMAND = f"""
trap 'exit 143' TERM
case "$NAGO_ATTEMPT" in
  *3-a1) exec /opt/nago/bin/python3 -c "$HOSTILE" {HOLD_SECONDS} ;;
  *7-a1) exec /opt/nago/bin/python3 -c "$HOSTILE" 0 ;;
esac
sleep {NAP_SECONDS} & wait
exec nago-train run
"""
"""The first attempts of some trials are hostile; the next ones are honest."""


def chaos_study(installation: Installation, seed: int, planned: Round) -> ClusterStudy:
    document = small_study(
        f"{PREFIX}-{seed}-{planned.number}",
        installation.images.trainer,
        search={"algorithm": planned.algorithm, "proposals": 4 + len(planned.disturbances) // 2},
        fidelities=(2,),
        parallelism=CLUSTER_PARALLELISM,
        kubernetes=_hostile_among_honest(),
    )
    document["retries"] = {"infrastructure": 1000, "defect": 100, "pause": 0}
    return ClusterStudy(installation=installation, document=document)


def _hostile_among_honest() -> Document:
    environment = [{"name": "HOSTILE", "value": Path(program.__file__).read_text()}]
    container = {"name": "trainer", "command": ["sh", "-c", _COMMAND], "env": environment}
    return {"pod_template": {"spec": {"containers": [container]}}, "allow_unsafe_template": True}


@dataclass
class LiveStudy:
    """What `tests.chaos.course` wants to know of it."""

    study: ClusterStudy
    _next_look: float = field(default=0.0)

    def rows(self) -> int | None:
        """Of everything that its trials bring about."""
        columns = "(SELECT count(*) FROM attempt) + (SELECT count(*) FROM result) + (SELECT count(*) FROM evaluation)"
        try:
            (row,) = self.study.installation.rows(f"SELECT {columns} AS written")
        except KubectlError:
            return None
        return int(row["written"])

    def is_over(self) -> bool:
        try:
            return self.study.state != StudyState.RUNNING
        except KubectlError:
            return False

    def look_after(self) -> None:
        """As an administrator who does not want to wait until the kubelet tries again, five minutes at worst."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_AFTER_SECONDS
        kubectl = self.study.installation.kubectl
        try:
            for pod in kubectl.get("pods", "--selector", "app.kubernetes.io/name!=nago-trainer")["items"]:
                states = [status["state"] for status in pod["status"].get("containerStatuses", [])]
                if any(state.get("waiting", {}).get("reason") == "CrashLoopBackOff" for state in states):
                    kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
        except KubectlError:
            return
