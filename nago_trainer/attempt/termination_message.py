"""The second way of a result: a few bytes that Kubernetes stores with the state of an ended container.

{"token": ..., "result": TrialResult}, {"token": ..., "failure": {"kind", "reason", "message"}} or, of a data check,
{"token": ..., "data": DataAnswer, packed}, in one line of at most 4096 bytes, which is what Kubernetes takes; what is
too long for that is shortened.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.reports import TrialResult
from nago_trainer.log import log

LARGEST_BYTES = 4096


class TerminationMessage:
    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        self._token = token

    def result(self, result: TrialResult) -> bool:
        """Whether it was written. The details by class do not fit, and stay with the database."""
        told = replace(result, details=None).to_json()
        whole = {"token": self._token, "result": told}
        short = {"token": self._token, "result": {**told, "device": result.device[:100], "network": None}}
        return self._write(next((text for text in map(_compact, (whole, short)) if _fits(text)), None))

    def failure(self, *, kind: str, reason: str, message: str) -> bool:
        """Whether it was written, possibly with a shortened message."""
        for length in (len(message), 3000, 1000, 300, 0):
            text = _compact(
                {"token": self._token, "failure": {"kind": kind, "reason": reason, "message": message[:length]}}
            )
            if _fits(text):
                return self._write(text)
        return False

    def data(self, answer: DataAnswer) -> bool:
        """Whether it was written, possibly with shortened lists."""
        around = len(_compact({"token": self._token, "data": ""}))
        text = _compact({"token": self._token, "data": answer.packed(LARGEST_BYTES - around)})
        return self._write(text if _fits(text) else None)

    def _write(self, text: str | None) -> bool:
        if text is None:
            return False
        try:
            self._path.write_text(text, encoding="utf-8")  # in place: it is a mount, which cannot be replaced
        except OSError as error:
            log(f"cannot write the termination message {self._path}: {error.strerror}")
            return False
        return True


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def _fits(text: str) -> bool:
    return len(text) <= LARGEST_BYTES  # ASCII: json escapes the rest
