"""What may go wrong between the orchestrator and an API server, each kind with what can be done about it."""

from __future__ import annotations

import json
from typing import Any

from nago_orchestrator.errors import ExecutorError


class ApiError(ExecutorError):
    """The API server's answer is a refusal that trying again does not change."""

    def __init__(self, what: str, *, do: str | None = None, status: int = 0, reason: str = "") -> None:
        super().__init__(what, do=do)
        self.status = status
        self.reason = reason
        """Kubernetes' own word, e.g. AlreadyExists."""


class ApiUnavailableError(ApiError):
    """No answer, or one that says to come back later: the same request may succeed."""

    retry_after: float = 0.0
    """Seconds that the API server asks us to wait."""


class ApiNotFoundError(ApiError):
    pass


class ApiConflictError(ApiError):
    """An object of that name exists, or it is not the one that was meant."""


class ForeignJobError(ApiError):
    """The name that a Job is to have belongs to somebody else's."""


class ApiGoneError(ApiError):
    """A list's or watch's version is too old: list again."""


class ApiForbiddenError(ApiError):
    """Not allowed to, or out of quota."""

    @property
    def is_quota(self) -> bool:
        return "exceeded quota" in str(self)


_KINDS: dict[int, type[ApiError]] = {
    403: ApiForbiddenError,
    404: ApiNotFoundError,
    409: ApiConflictError,
    410: ApiGoneError,
    **dict.fromkeys((408, 429, 500, 502, 503, 504), ApiUnavailableError),
}


def error_of(status: int, body: bytes, request: str) -> ApiError:
    """The error that an answer stands for; `request` says in words what was asked."""
    answer = _read_status(body)
    detail = " ".join(str(answer.get("message") or "").split()) or body[:200].decode(errors="replace").strip()
    kind = _KINDS.get(status, ApiError)
    do = "check the user of the kubeconfig, or the pod's service account" if status == 401 else None
    what = f"Kubernetes answered {status} to {request}: {detail}"
    return kind(what, do=do, status=status, reason=str(answer.get("reason") or ""))


def _read_status(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
