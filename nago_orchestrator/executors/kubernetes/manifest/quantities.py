"""Kubernetes quantities such as 500m, 2, 1.5Gi or 12e9."""

from __future__ import annotations

from nago_orchestrator.errors import needing


def quantity(value: object) -> float:
    """The number behind it. Raises ValueError for what is none, InputError without the extra `kubernetes`."""
    with needing("kubernetes", what="a quantity of Kubernetes"):
        # Here, because a study for a cluster can be submitted without the extra: only whoever runs it needs numbers.
        from kubernetes.utils.quantity import parse_quantity
    return float(parse_quantity(str(value)))  # type: ignore[no-untyped-call]  # not annotated
