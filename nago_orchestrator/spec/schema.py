"""The JSON Schema of the study file, and the list of its keys that error messages and the documentation check use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from nago_orchestrator.spec.study import StudySpec

SchemaPath = tuple[str, ...]


def study_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) for editors and for `nago-orch schema`.

    A default that depends on the dataset is described in words under "x-default".
    """
    schema = StudySpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "NAGO study file"}


@cache
def schema_keys() -> Mapping[SchemaPath, Mapping[str, Any]]:
    """Every key with its schema. List items are "[]"; below a choice of sections, the choice's name in parentheses:
    ("objectives", "[]", "name"), ("search", "(bohb)", "iterations"), ("space", "hyperparameters", "top_k", "low")."""
    schema = study_schema()
    return dict(_walk(schema, schema["$defs"], ()))


def _walk(node: Mapping[str, Any], definitions: Mapping[str, Any], path: SchemaPath) -> Iterator[Any]:
    node = _resolved(node, definitions)
    for key, value in node.get("properties", {}).items():
        yield (*path, key), value
        yield from _walk(value, definitions, (*path, key))
    if "items" in node:
        yield from _walk(node["items"], definitions, (*path, "[]"))
    choices = node.get("discriminator", {}).get("mapping", {})
    if choices and path[-1] == "[]":
        return  # phases, each with the keys of a search of its own
    for name, reference in choices.items():
        yield from _walk({"$ref": reference}, definitions, (*path, f"({name})"))
    for alternative in () if choices else (*node.get("oneOf", ()), *node.get("anyOf", ())):
        yield from _walk(alternative, definitions, path)


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return node if reference is None else definitions[reference.rsplit("/", 1)[-1]]
