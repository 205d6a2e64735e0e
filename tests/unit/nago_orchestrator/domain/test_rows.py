"""What the store reads for people are frozen values with types, in the order of the views' columns."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import Table

import nago_orchestrator
from nago_orchestrator.domain import final_rows, rows
from nago_orchestrator.store import final_training, found, queries, views
from nago_trainer.contract.class_details import ClassDetails
from tests.rows import generator_row, trial_row

PACKAGE = Path(nago_orchestrator.__file__).parent
KINDS = [
    kind
    for module in (rows, final_rows)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if kind.__module__ == module.__name__
]
READ_BY_A_KEY = re.compile(r"\[\s*f?[\"']")
"""A file without it need not be parsed."""
CALLED_AS_ROWS = re.compile(r"(?:\w*_)?(?:rows?|trial|attempt|epoch|evaluation|study|status|best|generator|incumbent)")
"""Names that rows go by; one with an index counts as well: `rows[0]`."""


def queries_of(module: ModuleType) -> list[Any]:
    own = [function for _, function in inspect.getmembers(module, inspect.isfunction)]
    return [it for it in own if it.__module__ == module.__name__ and not it.__name__.startswith("_")]


def kinds_in(annotation: Any) -> set[Any]:
    """The classes that an annotation names, those within a list or an option included."""
    inner = get_args(annotation)
    return set().union(*map(kinds_in, inner)) if inner else {annotation}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_row_is_frozen_and_has_no_other_attributes(kind: Any) -> None:
    assert is_dataclass(kind)
    assert kind.__setattr__ is not object.__setattr__
    assert "__slots__" in vars(kind)


def test_queries_give_rows() -> None:
    given = {
        f"{module.__name__}.{query.__name__}": kinds_in(get_type_hints(query)["return"])
        for module in (queries, final_training, found)
        for query in queries_of(module)
    }
    assert len(given) > 10
    plain = (str, int, float, type(None))  # who holds a study, a fidelity, the values of a theta
    assert {name: kinds for name, kinds in given.items() if not kinds <= {*KINDS, ClassDetails, *plain}} == {}


@pytest.mark.parametrize(
    ("kind", "view", "left_out"),
    [
        (rows.TrialRow, views.trial_overview, ()),
        (rows.LedgerRow, views.gpu_ledger, ()),
        (rows.GeneratorRow, views.pareto_front, ("study",)),
    ],
)
def test_the_fields_are_the_columns_of_the_view(kind: Any, view: Table, left_out: tuple[str, ...]) -> None:
    columns = {column.name for column in view.c} - {*left_out, *views.FORMER_NAMES}
    assert columns <= {field.name for field in fields(kind)}


def test_outside_the_store_no_row_is_read_by_a_key() -> None:
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py"))}
    offenders = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
        for file, text in texts.items()
        if file.relative_to(PACKAGE).parts[0] != "store" and READ_BY_A_KEY.search(text)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Subscript) and is_key(node.slice) and is_called_a_row(node.value)
    ]
    assert offenders == []


def is_key(index: ast.expr) -> bool:
    return isinstance(index, ast.JoinedStr) or (isinstance(index, ast.Constant) and isinstance(index.value, str))


def is_called_a_row(value: ast.expr) -> bool:
    while isinstance(value, ast.Subscript):
        value = value.value
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
    return CALLED_AS_ROWS.fullmatch(name) is not None


def test_a_row_read_by_a_key_would_be_found() -> None:
    reads = [ast.parse(text, mode="eval").body for text in ('row["state"]', 'rows[0]["state"]', 'report.best["theta"]')]
    assert all(isinstance(node, ast.Subscript) and is_called_a_row(node.value) for node in reads)


def test_a_wider_row_has_the_fields_of_the_narrow_one() -> None:
    best = rows.widened(rows.BestGenerator, generator_row(3), trials=(trial_row(4),))
    assert (best.proposal, best.trials[0].trial) == (3, 4)


def test_costs_are_those_of_the_objectives() -> None:
    assert generator_row(cost_1=-0.5, cost_2=7.0).costs == (-0.5, 7.0)
