"""The pods of `nago-orch serve` in an installation: which are there, what they log, and how they end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.cluster.installation import Installation
from tests.cluster.kubectl import PATIENCE_SECONDS, KubectlError
from tests.cluster.machinery import Machinery

SELECTOR = "app.kubernetes.io/name=nago-orchestrator"
DEPLOYMENT = "deployment/nago-orchestrator"
LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestrators:
    installation: Installation

    def pods(self) -> list[dict[str, Any]]:
        """Those that nobody has asked to go."""
        found: list[dict[str, Any]] = self.installation.kubectl.get("pods", "--selector", SELECTOR)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def the_pod(self) -> str:
        """The only one."""
        (pod,) = self.pods()
        return str(pod["metadata"]["name"])

    def restarts(self) -> int:
        statuses = [status for pod in self.pods() for status in pod["status"].get("containerStatuses", [])]
        return sum(status["restartCount"] for status in statuses)

    def container(self, pod: str) -> str:
        return str(self.installation.kubectl.get("pod", pod)["status"]["containerStatuses"][0]["containerID"])

    def events(self, pod: str) -> list[dict[str, Any]]:
        """The lines of its present container's log."""
        try:
            lines = self.installation.kubectl("logs", pod, "--container", "orchestrator").splitlines()
        except KubectlError:  # the container is not there yet
            return []
        return [json.loads(line) for line in lines if line.startswith("{")]

    def kill(self, machinery: Machinery) -> None:
        """`kill -9` of the only one's process; the kubelet starts it again in the same pod."""
        machinery.signal_container(self.container(self.the_pod()), signal.SIGKILL)

    def vanish(self, pod: str, machinery: Machinery) -> None:
        """Its node is gone: nobody hears from it again, not even that its connections are closed."""
        container = self.container(pod)
        pid = str(machinery.pid_of_container(container))
        subprocess.run(["nsenter", "--target", pid, "--net", "ip", "link", "set", "eth0", "down"], check=True)
        self.installation.kubectl("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")

    @contextmanager
    def two(self) -> Iterator[str]:
        """A second replica, which waits for the end of the first: the name of the first pod."""
        first = self.the_pod()
        self.installation.kubectl("scale", DEPLOYMENT, "--replicas", "2")
        try:
            self.wait_for("serving", first)
            (second,) = {pod["metadata"]["name"] for pod in self.pods()} - {first}
            self.wait_for("waiting", second)
            yield first
        finally:
            self.installation.kubectl("scale", DEPLOYMENT, "--replicas", "1")

    def wait_for_successor(self, gone: str) -> datetime:
        """When another pod began to serve: the one that waited, or the one that replaces the pod that is gone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for pod in {found["metadata"]["name"] for found in self.pods()} - {gone}:
                for line in self.events(pod):
                    if line.get("event") == "serving":
                        return datetime.fromisoformat(line["time"]).astimezone(UTC)
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"nobody has taken over from {gone} within {PATIENCE_SECONDS} s")

    def wait_for(self, event: str, pod: str) -> datetime:
        """When the pod said so first. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for line in self.events(pod):
                if line.get("event") == event:
                    return datetime.fromisoformat(line["time"]).astimezone(UTC)
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"{pod} has not logged {event} within {PATIENCE_SECONDS} s")
