"""Verdicts on the volumes that a trial's pod mounts: are they there, and can all parallel trials have them? Pure.

(https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Answer, Listing, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.nodes import schedulable
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds


def claim_findings(claims: Mapping[str, Answer], nodes: Listing, pod: PodNeeds, parallelism: int) -> Iterator[Finding]:
    one_node = not isinstance(nodes, Refused) and len(schedulable(nodes, pod)) == 1
    for name, written in pod.claims.items():
        check, found = f"claim {name}", claims.get(name)
        if found is None:
            yield problem(
                check,
                "there is no such persistent volume claim in the namespace",
                "create it, or name another in execution.kubernetes (data, checkpoints)",
            )
        elif isinstance(found, Refused):
            yield unknown(check, found.why, f"look with: kubectl get persistentvolumeclaim {name}")
        else:
            yield _verdict(check, found, written=written, parallelism=parallelism, one_node=one_node)


def image_path_finding(path: str | None, pod: PodNeeds) -> Iterator[Finding]:
    """Whether `trainer.dataset.path` lies on a volume."""
    mounts = [mount for mount in pod.mount_paths if mount not in ("/tmp", "/dev/shm")]
    if path is None:
        return
    if any(path == mount or path.startswith(f"{mount.rstrip('/')}/") for mount in mounts):
        yield ok("images", f"{path}, on a volume")
        return
    yield warning(
        "images",
        f"{path} lies on no volume of the pod" + (f" (mounted: {', '.join(mounts)})" if mounts else ""),
        "give execution.kubernetes.data, unless the trainer's image holds the images",
    )


def _verdict(check: str, claim: Object, *, written: bool, parallelism: int, one_node: bool) -> Finding:
    status = claim.get("status") or {}
    phase = status.get("phase") or "Pending"
    modes = status.get("accessModes") or (claim.get("spec") or {}).get("accessModes") or []
    if phase == "Lost":
        return problem(check, "its volume is gone", "restore the volume, or create the claim anew")
    if written and not any(mode.startswith("ReadWrite") for mode in modes):
        return problem(check, f"trials write to it, and it is {_shown(modes)}", "take a claim that can be written")
    shared = _shared(check, modes, written=written, parallelism=parallelism, one_node=one_node)
    if shared is not None:
        return shared
    if phase != "Bound":
        return warning(
            check,
            f"is {phase}, {_shown(modes)}: it is bound when the first pod wants it, or never",
            f"see why with: kubectl describe persistentvolumeclaim {claim['metadata']['name']}",
        )
    return ok(check, f"{phase}, {_shown(modes)}")


def _shared(check: str, modes: list[str], *, written: bool, parallelism: int, one_node: bool) -> Finding | None:
    wanted = "ReadWriteMany" if written else "ReadOnlyMany or ReadWriteMany"
    if parallelism == 1 or "ReadWriteMany" in modes or ("ReadOnlyMany" in modes and not written):
        return None
    if modes == ["ReadWriteOncePod"]:
        return problem(
            check,
            f"ReadWriteOncePod: one of the {parallelism} parallel trials can have it",
            f"take a storage class with {wanted}, or set execution.parallelism to 1",
        )
    if one_node:
        return None
    return warning(
        check,
        f"{_shown(modes)}: all {parallelism} parallel trials must run on the node that has the volume",
        f"take a storage class with {wanted}, or set execution.parallelism to what one node takes",
    )


def _shown(modes: list[str]) -> str:
    return ", ".join(modes) or "without an access mode"
