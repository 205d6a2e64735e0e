"""The reference point of a hypervolume, as a user gives it in place of the study's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting.suggestions import suggestion
from nago_orchestrator.spec.objectives import ObjectiveSection


def with_references(objectives: Sequence[Objective], texts: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives with the reference of ["error=0.2", "memory=60KiB"]; without texts as they are.

    Raises InputError for another form, name or value, and where one of several objectives is left without a reference.
    """
    if not texts:
        return tuple(objectives)
    names = [objective.name for objective in objectives]
    pairs = [_reference(text, names) for listed in texts for text in listed.split(",")]
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = next(name for name in given if [other for other, _ in pairs].count(name) > 1)
        raise InputError(f"--reference names {twice} twice", do="give one value for each objective")
    changed = tuple(replace(item, reference=given.get(item.name, item.reference)) for item in objectives)
    missing = [item.name for item in changed if item.reference is None]
    if missing:
        raise InputError(
            f"--reference has no value for {' and '.join(missing)}, nor has the study file",
            do="give NAME=VALUE for each objective",
        )
    return changed


def _reference(text: str, names: Sequence[str]) -> tuple[str, float]:
    name, _, value = (part.strip() for part in text.partition("="))
    if not value:
        raise InputError(
            f"--reference {text!r} is not NAME=VALUE", do=f"write, for example, --reference {names[0]}=0.2"
        )
    if name not in names:
        raise InputError(f"--reference names '{name}', which is no objective of the study", do=suggestion(name, names))
    try:
        section = ObjectiveSection.model_validate({"name": name, "reference": _number(value)})
    except ValidationError as error:
        details = error.errors()[0]
        raise InputError(f"--reference {name} {details['msg']}", do=details.get("ctx", {}).get("do")) from error
    return name, float(section.reference or 0.0)


def _number(text: str) -> float | str:
    """As a study file's reader gives it: a number, or a text such as 60KiB."""
    try:
        return float(text)
    except ValueError:
        return text
