from __future__ import annotations

import json

from nago_orchestrator.spec import StudySpec, study_schema
from nago_orchestrator.spec.schema import schema_keys
from nago_trainer.architecture import HYPERPARAMETERS, RNAG_HYPERPARAMETERS


def test_the_schema_is_json_and_refuses_unknown_keys() -> None:
    schema = json.loads(json.dumps(study_schema(), allow_nan=False))
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "search", "fidelities", "trainer"]


def test_every_key_is_described() -> None:
    keys = schema_keys()
    ends = {path for path in keys if path[-1] in ("low", "high")}
    assert {path for path, schema in keys.items() if path not in ends and not schema.get("description")} == set()


def test_the_keys_are_those_of_the_models() -> None:
    keys = schema_keys()
    assert {path[0] for path in keys if len(path) == 1} == set(StudySpec.model_fields)
    assert ("search", "(bohb)", "iterations") in keys
    assert ("search", "(random)", "proposals") in keys
    assert ("objectives", "[]", "reference") in keys
    hyperparameters = [path[2] for path in keys if path[:2] == ("space", "hyperparameters") and len(path) == 3]
    names = [item.name for generator in (HYPERPARAMETERS, RNAG_HYPERPARAMETERS) for item in generator]
    assert hyperparameters == list(dict.fromkeys(names))


def test_legal_values_in_the_descriptions_are_the_generators() -> None:
    for item in (*HYPERPARAMETERS, *RNAG_HYPERPARAMETERS):
        text = schema_keys()["space", "hyperparameters", item.name]["description"]
        low, high = text.removesuffix(".").rsplit("Legal: ", 1)[1].split(" to ")
        assert (float(low), float(high)) == (item.low, item.high)
