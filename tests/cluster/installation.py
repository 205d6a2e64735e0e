"""NAGO in a namespace of the test cluster: what `kubectl apply -k` makes of k8s/overlays/try-out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.cluster.images import ROOT, Images
from tests.cluster.kubectl import PATIENCE_SECONDS, Kubectl, KubectlError

OVERLAY = ROOT / "k8s/overlays/try-out"
PASSWORD = "try-out"
TRAINER_SECRET = ("nago-trainer-database", "url")
CLAIMS = ("nago-data", "nago-checkpoints", "data-nago-postgres-0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    kubectl: Kubectl
    """Of its namespace."""
    images: Images

    @property
    def namespace(self) -> str:
        return str(self.kubectl.namespace)

    def orchestrator(self, *arguments: str, given: str | None = None) -> str:
        """What `nago-orch` prints, run beside `nago-orch serve`."""
        command = ("exec", "--stdin", "deployment/nago-orchestrator", "--", "nago-orch", *arguments)
        return self.kubectl(*command, given=given)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Of the database, as JSON makes them; asked within its pod. Raises KubectlError while it is away."""
        psql = ("psql", "--username", "nago", "--host", "/var/run/postgresql", "--tuples-only", "--no-align")
        wrapped = f"SELECT coalesce(json_agg(found), '[]') FROM ({query}) AS found"
        answer = self.kubectl("exec", "nago-postgres-0", "--", *psql, "--command", wrapped, "nago")
        found: list[dict[str, Any]] = json.loads(answer)
        return found

    def wait_until_migrated(self) -> None:
        self.kubectl.wait("job/nago-migrate", "complete")

    def wait_until_ready(self) -> None:
        """`nago-orch serve` answers on /readyz."""
        self.kubectl.wait("deployment/nago-orchestrator", "available")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address at which this process reaches the database, as the tables' owner."""
        with self.forwarded("service/nago-postgres", 5432) as port:
            address = make_url(f"postgresql://nago:{PASSWORD}@127.0.0.1:{port}/nago")
            yield address.render_as_string(hide_password=False)

    @contextmanager
    def forwarded(self, what: str, port: int) -> Iterator[int]:
        """A port of this machine that leads to one in the cluster. Raises KubectlError if there is no way."""
        command = self.kubectl.command("port-forward", what, f":{port}")
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.kubectl.environment
        ) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                found = re.search(r"127\.0\.0\.1:(\d+) ->", line)
                if found is None:
                    raise KubectlError(f"{' '.join(command)}: {line.strip()}")
                yield int(found[1])
            finally:
                process.terminate()

    def run_job(self, job: dict[str, Any]) -> dict[str, Any]:
        """The Job as it ended, well or badly. Raises TimeoutError."""
        # An old API server drops fields that it does not know; kubectl would refuse them.
        self.kubectl("create", "--validate=false", "--filename", "-", given=json.dumps(job))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.kubectl.get("job", job["metadata"]["name"])
            if {"Complete", "Failed"} & {entry["type"] for entry in found["status"].get("conditions", ())}:
                return found
            time.sleep(0.5)
        raise TimeoutError(f"the Job {job['metadata']['name']} has not ended within {PATIENCE_SECONDS} s")

    def describe(self) -> str:
        """What somebody wants to see after a failure."""
        parts = []
        for arguments in (
            ("get", "jobs,pods", "--output", "wide"),
            ("get", "events", "--sort-by", ".lastTimestamp"),
            ("logs", "--all-containers", "--prefix", "--tail", "40", "--selector", "app.kubernetes.io/part-of=nago"),
        ):
            try:
                parts.append(self.kubectl(*arguments))
            except KubectlError as error:
                parts.append(str(error))
        return "\n".join(parts)


@contextmanager
def installed(kubectl: Kubectl, images: Images, folder: Path, *, volumes: Path | None) -> Iterator[Installation]:
    """NAGO in kubectl's namespace, which must not exist. `volumes`: where to make some, if the cluster cannot."""
    namespace = str(kubectl.namespace)
    if volumes is not None:
        kubectl.apply(*(_volume(namespace, claim, volumes / namespace / claim) for claim in CLAIMS))
    try:
        kubectl("apply", "--kustomize", str(_overlay(namespace, images, folder)))
        yield Installation(kubectl=kubectl, images=images)
    finally:
        kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout", "120s")
        if volumes is not None:
            kubectl("delete", "persistentvolume", *(f"{namespace}-{claim}" for claim in CLAIMS), "--ignore-not-found")
            shutil.rmtree(volumes / namespace, ignore_errors=True)


def _overlay(namespace: str, images: Images, folder: Path) -> Path:
    """The try-out as it is, but for namespace and images."""
    names = {"nago-orchestrator": images.orchestrator, "postgres": images.postgres}
    lines = [f"namespace: {namespace}", f"resources: [{os.path.relpath(OVERLAY, folder.resolve())}]", "images:"]
    lines += [f"  - {{name: {name}, {_new_image(image)}}}" for name, image in names.items() if image is not None]
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    return folder


def _new_image(image: str) -> str:
    """In kustomize's words."""
    if "@" in image:
        name, digest = image.split("@")
        return f"newName: {name}, digest: '{digest}'"
    place, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return f"newName: '{place}{slash}{name}', newTag: '{tag or 'latest'}'"


def _volume(namespace: str, claim: str, folder: Path) -> dict[str, Any]:
    """A folder of the node, which is this machine, for one claim."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)  # the node's folders take no fsGroup
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{claim}"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(folder)},
            "claimRef": {"namespace": namespace, "name": claim},
        },
    }
