"""docs/study-file.md and the schema of the study file say the same: every key, and every default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.evaluation.metrics import METRICS
from nago_orchestrator.spec import parse_study_spec
from nago_orchestrator.spec.schema import SchemaPath, schema_keys
from nago_orchestrator.spec.study import StudySpec

PAGE = (Path(__file__).parents[2] / "docs" / "study-file.md").read_text()
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", re.MULTILINE)
ROWS = {match[1]: match for match in ROW.finditer(PAGE)}


def written(path: SchemaPath) -> str:
    return ".".join(path).replace(".[]", "[]").replace(".(", "(")


def documented_keys() -> dict[str, Mapping[str, Any]]:
    """The schema's keys; the ends of a range are documented once, for the first hyperparameter."""
    return {
        written(path): schema
        for path, schema in schema_keys().items()
        if path[-1] not in ("low", "high") or path[-2] == "top_nodes"
    }


def default_in_words(key: str, schema: Mapping[str, Any]) -> str:
    if "x-default" in schema:
        return str(schema["x-default"])
    if "default" not in schema:
        return "required"
    default = schema["default"]
    if isinstance(default, dict) and set(default) == {"low", "high"}:
        return f"{default['low']:.10g} to {default['high']:.10g}"
    if default in ({}, []):
        return "none"
    if isinstance(default, dict):
        return "all defaults"
    if key == "objectives":
        assert [objective["name"] for objective in default] == ["accuracy"]
        return "accuracy alone"
    return scalar_in_words(default)


def scalar_in_words(default: Any) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str):
        return f"`{default}`"
    return "1/3" if default == 1 / 3 else f"{default:.10g}"


def test_every_key_is_documented_and_nothing_else() -> None:
    assert sorted(ROWS) == sorted(documented_keys())


def test_the_documented_defaults_are_the_real_ones() -> None:
    real = {key: default_in_words(key, schema) for key, schema in documented_keys().items()}
    assert {key: ROWS[key][3].strip() for key in real} == real


def test_every_key_has_a_meaning() -> None:
    assert [key for key in documented_keys() if not ROWS[key][4].strip().endswith(".")] == []


def test_every_choice_of_a_key_is_documented() -> None:
    missing = {
        f"{key}: {choice}"
        for key, schema in documented_keys().items()
        for choice in schema.get("enum", [schema["const"]] if "const" in schema else [])
        if key != "objectives[].name" and f"`{choice}`" not in ROWS[key][2]
    }
    assert missing == set()


def test_the_objectives_are_those_that_are_known() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (maximize|minimize) \|", PAGE, re.MULTILINE)
    assert dict(rows) == {name: metric.goal for name, metric in METRICS.items()}


def test_the_smallest_study_of_the_page_is_one() -> None:
    block = PAGE.split("```yaml\n")[1].split("```")[0]
    assert isinstance(parse_study_spec(block, "docs/study-file.md"), StudySpec)


@pytest.mark.parametrize("block", re.findall(r"```yaml\n((?:space|objectives):.*?)```", PAGE, re.DOTALL))
def test_the_sections_of_the_page_can_be_read(block: str) -> None:
    smallest = PAGE.split("```yaml\n")[1].split("```")[0]
    assert isinstance(parse_study_spec(smallest + block, "docs/study-file.md"), StudySpec)
