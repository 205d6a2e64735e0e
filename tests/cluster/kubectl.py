"""kubectl, as the cluster's tests speak it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 900
"""How long anything in the cluster may take. It is spent only where something is wrong: a machine may be slow."""


class KubectlError(Exception):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    kubeconfig: Path
    namespace: str | None = None
    patience: float = PATIENCE_SECONDS

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def command(self, *arguments: str) -> list[str]:
        return ["kubectl", *(("--namespace", self.namespace) if self.namespace else ()), *arguments]

    def __call__(self, *arguments: str, given: str | None = None, timeout: float | None = None) -> str:
        """What it prints. Raises KubectlError with what it says of its failure, or after `timeout` or `patience`."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                input=given,
                capture_output=True,
                text=True,
                env=self.environment,
                timeout=timeout or self.patience,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {' '.join(arguments)}: no answer after {error.timeout:.0f} s") from error
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("get", *arguments, "--output", "json"))
        return found

    def apply(self, *objects: Mapping[str, Any]) -> None:
        self(
            "apply",
            "--filename",
            "-",
            given=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}),
        )

    def wait(self, what: str, condition: str) -> None:
        """Raises KubectlError when the condition does not come to hold in time."""
        self(
            "wait",
            what,
            f"--for=condition={condition}",
            f"--timeout={PATIENCE_SECONDS}s",
            timeout=PATIENCE_SECONDS + 30,
        )
