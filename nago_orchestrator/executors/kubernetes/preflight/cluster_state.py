"""What an API server said about a cluster, as plain objects; and what it would not say. Read by `reading`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it imports this module
    from nago_orchestrator.executors.kubernetes.preflight.rights import Right

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer, or one that does not help."""

    why: str


Answer = Object | None | Refused
"""One object; None: there is none of that name."""
Listing = tuple[Object, ...] | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    source: str
    """How we were let in: a context of the kubeconfig, or this pod's service account."""
    host: str
    version: str
    namespace: str
    namespace_object: Answer = None
    rights: Mapping[Right, bool | Refused] = field(default_factory=dict)
    quotas: Listing = ()
    limit_ranges: Listing = ()
    nodes: Listing = ()
    claims: Mapping[str, Answer] = field(default_factory=dict)
    secrets: Mapping[str, Answer] = field(default_factory=dict)
    service_account: Answer = None
    priority_class: Answer = None
    job_refused: Refused | None = None
    """What the API server has against the study's first Job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedStudy:
    """What of a study its cluster has to do with."""

    job: Object
    """The first one, with a token that opens nothing."""
    parallelism: int
    image_path: str | None
    namespace: str | None = None
