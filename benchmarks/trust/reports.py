"""Reports of trainers that no trainer of ours would write, by both ways: termination message and database row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from benchmarks.trust.mutations import broken_bytes, mutated
from nago_orchestrator.domain.credentials import token_digest
from nago_orchestrator.executors.kubernetes.manifest.labels import TOKEN_DIGEST
from nago_orchestrator.executors.kubernetes.status.termination_message import read_termination_message
from nago_trainer.contract.json_form import ContractError, read_json
from nago_trainer.contract.reports import EpochRecord, FailureReport, TrialResult

TOKEN = "token"  # of no attempt
RESULT = TrialResult(
    validation_accuracy=0.5,
    validation_loss=1.0,
    diverged=False,
    epochs=3,
    seconds=2.0,
    seconds_to_first_step=0.1,
    parameters=1000,
    device="cpu",
    network=None,
).to_json()
EPOCH = EpochRecord(
    epoch=1,
    training_loss=1.0,
    training_accuracy=0.4,
    validation_loss=1.0,
    validation_accuracy=0.5,
    learning_rate=0.1,
    seconds=1.0,
).to_json()
FAILURE = {"kind": "defect", "reason": "Wrong", "message": "It does not work."}
READERS: Mapping[str, Callable[[Any], Any]] = {
    "result": TrialResult.from_json,
    "epoch": EpochRecord.from_json,
    "failure": FailureReport.from_json,
}
MESSAGES = (
    {"token": TOKEN, "result": RESULT},
    {"token": TOKEN, "epoch": EPOCH},
    {"token": TOKEN, "failure": FAILURE},
)
JOB = {"metadata": {"annotations": {TOKEN_DIGEST: token_digest(TOKEN)}}}

reports = st.one_of(
    mutated(MESSAGES).map(lambda document: json.dumps(document).encode("utf-8", "surrogatepass")),
    mutated(MESSAGES).map(lambda document: json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    broken_bytes(tuple(json.dumps(message).encode() for message in MESSAGES)),
)


def reading(content: bytes) -> str | None:
    """What is wrong with how a report was read; None where it was taken, or refused with a sentence."""
    text = content.decode("utf-8", "replace")
    try:
        found = read_termination_message(JOB, {"message": text})
        if found.problem == "":
            return "refused without a word"
        return _of_kinds(text) if found.result is None else _unusable(found.result)
    except Exception as error:  # noqa: BLE001  # which is what this looks for
        return f"{type(error).__name__}: {str(error)[:600]}"


def _of_kinds(text: str) -> str | None:
    try:
        message = read_json(text)
    except ContractError:
        return None
    for name, read in READERS.items():
        if isinstance(message, dict) and name in message:
            try:
                report = read(message[name])
            except ContractError as error:
                return None if str(error) else "refused without a word"
            return None if report.problem() is None else "taken although it has a problem"
    return None


def _unusable(result: TrialResult) -> str | None:
    """Of a result that was taken: what the search and the tables do with it."""
    json.dumps(result.to_json(), allow_nan=False)
    again = TrialResult.from_json(json.loads(json.dumps(result.to_json())))
    return None if again.to_json() == result.to_json() else "another result after it was stored"
