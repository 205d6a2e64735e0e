"""Study files for the cluster: digits, networks that train in a moment, requests for which a small node has room."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]
SMALL_NODE: Document = {
    # A node of two cores shall have room for four.
    "cpu": "100m",
    "memory": "512Mi",
    "shared_memory": "64Mi",
}
SMALL_SPACE: Document = {
    "top_nodes": {"low": 3, "high": 5},
    "top_k": 2,
    "mid_nodes": 1,
    "mid_p": 0.5,
    "bottom_nodes": 1,
    "bottom_k": 0,
    "bottom_p": 0.0,
}
"""With networks that train on digits in a moment; the rest is the paper's."""


def small_study(
    name: str,
    image: str,
    *,
    search: Document,
    fidelities: tuple[int, ...],
    parallelism: int = 4,
    kubernetes: Document | None = None,
    trainer: Document | None = None,
) -> Document:
    """`kubernetes` and `trainer` add to those sections, and may replace what stands there."""
    section = {"image": image, "gpu": {"count": 1}, "service_account": "nago-trainer", **SMALL_NODE}
    return {
        "name": name,
        "seed": 5,
        "space": {"hyperparameters": SMALL_SPACE},
        "search": search,
        "fidelities": list(fidelities),
        "trainer": {"dataset": {"name": "digits"}, "parameter_limit": 5000, "batch_size": 64} | (trainer or {}),
        "execution": {
            "where": "kubernetes",
            "parallelism": parallelism,
            "kubernetes": section | (kubernetes or {}),
        },
        "retries": {"pause": 0},
    }


def napping(seconds: int) -> Document:
    """For the section `kubernetes`: trials sleep before they train, in flight for that long at no cost."""
    # A container's first process hears SIGTERM only if it listens.
    command = ["sh", "-c", f"trap 'exit 143' TERM; sleep {seconds} & wait; exec nago-train run"]
    template = {"spec": {"containers": [{"name": "trainer", "command": command}]}}
    return {"pod_template": template, "allow_unsafe_template": True}
