"""Surveys of search spaces as facts and tables, on the screen, in JSON and CSV, and for the page of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nago_orchestrator.cli.options import OutputFormat
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, Row, print_facts, print_table, to_csv, to_json
from nago_orchestrator.domain.device_memory import MemoryLimit
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.space_picture import Survey
from nago_orchestrator.services.space_survey import QUANTITIES, SpaceDraw, SpaceSurvey, aliases, whole_number_settings
from nago_orchestrator.spec.presets import PRESETS
from nago_orchestrator.spec.space_section import preset_of

SEARCHED = (
    Column(key="name", title="searched", right=False),
    Column(key="low", title="from", show=quantities.number),
    Column(key="high", title="to", show=quantities.number),
    Column(key="kind", title="kind", right=False),
)
ALIASES = (
    Column(key="name", title="changed in canonical form", right=False),
    Column(key="share", title="of samples", show=quantities.percent),
    Column(key="why", title="why", right=False),
)
DISTRIBUTION = (
    Column(key="quantity", title="per network", right=False),
    Column(key="min", title="least"),
    Column(key="q05", title="5 %"),
    Column(key="q25", title="25 %"),
    Column(key="median", title="median"),
    Column(key="q75", title="75 %"),
    Column(key="q95", title="95 %"),
    Column(key="max", title="most"),
)
_SHOWN = {
    "nodes": ("nodes", quantities.count),
    "parameters": ("parameters", quantities.count),
    "flops": ("flops", quantities.count),
    "bytes_per_sample": ("memory", quantities.size),
    "width": ("width", quantities.count),
}


def print_spaces(surveys: Sequence[Survey], output: OutputFormat) -> None:
    """JSON is one object for each space, CSV one line for each draw."""
    if output is OutputFormat.JSON:
        say(to_json([describe(name, survey) for name, survey in surveys]))
    elif output is OutputFormat.CSV:
        rows = [{"space": name, **_draw_row(draw)} for name, survey in surveys for draw in survey.draws]
        say(to_csv(rows, ()))
    else:
        for number, (name, survey) in enumerate(surveys):
            if number:
                say()
            print_facts(space_facts(name, survey))
            for table, columns in space_tables(survey):
                say()
                print_table(table, columns)


def describe(name: str, survey: SpaceSurvey) -> dict[str, Any]:
    """Everything about a space as plain values."""
    space, sizing = survey.space, survey.sizing
    settings, different = whole_number_settings(space)
    return {
        "space": name,
        "generator": space.generator,
        "preset": preset_of(space),
        "connected": space.connected,
        "image_size": sizing.image.size,
        "channels": sizing.image.channels,
        "classes": sizing.classes,
        "parameter_limit": sizing.parameter_limit,
        "memory": None if sizing.memory is None else sizing.memory.bytes,
        "seed": survey.seed,
        "draws": len(survey.draws),
        "searched": _searched(survey),
        "fixed": dict(space.fixed),
        "whole_number_settings": settings,
        "different_whole_number_settings": different,
        "different_thetas": survey.different_thetas,
        "draws_with_a_shared_theta": survey.shared_thetas,
        "different_architectures": survey.different_architectures,
        "not_what_it_says": [asdict(alias) for alias in aliases(survey)],
        "infeasible": {str(obstacle): number for obstacle, number in survey.obstacles.items()},
        "quantiles": {quantity: survey.quantiles(quantity) for quantity in QUANTITIES},
        "samples": [_draw_row(draw) for draw in survey.draws],
    }


def space_facts(name: str, survey: SpaceSurvey) -> list[tuple[str, str]]:
    """Label and text: the space, what was drawn, how much of it is the same or infeasible."""
    space, sizing, draws = survey.space, survey.sizing, len(survey.draws)
    image = f"{sizing.image.size}×{sizing.image.size}, {counted(sizing.image.channels, 'channel')}"
    settings, different = whole_number_settings(space)
    return [
        ("space", name),
        ("generator", _generator_words(survey)),
        ("searched", f"{len(space.dimensions)} of {counted(len(space.hyperparameters), 'hyperparameter')}"),
        ("fixed", ", ".join(f"{name} {quantities.number(value)}" for name, value in space.fixed.items()) or "none"),
        (
            "networks",
            f"{image}, {counted(sizing.classes, 'class')}, at most {counted(sizing.parameter_limit, 'parameter')}"
            + _memory_words(sizing.memory),
        ),
        ("samples", f"{draws:,}, seed {survey.seed}"),
        ("integers", f"{counted(settings, 'combination')} of nodes and k, {different:,} distinct"),
        ("thetas", f"{survey.different_thetas:,} distinct; {survey.shared_thetas:,} samples share theirs with another"),
        ("architectures", f"{survey.different_architectures:,} distinct"),
        ("infeasible", _infeasible_words(survey)),
    ]


def space_tables(survey: SpaceSurvey) -> list[tuple[Sequence[Row], tuple[Column, ...]]]:
    """What is searched, aliases and distributions; tables without rows are left out."""
    found = [asdict(alias) for alias in aliases(survey)]
    tables: list[tuple[Sequence[Row], tuple[Column, ...]]] = [
        (_searched(survey), SEARCHED), (found, ALIASES), (_distribution(survey), DISTRIBUTION),
    ]  # fmt: skip
    return [(rows, columns) for rows, columns in tables if rows]


def _generator_words(survey: SpaceSurvey) -> str:
    preset = preset_of(survey.space)
    connected = ", graphs resampled until connected" if survey.space.connected else ""
    return survey.space.generator + (f" (preset {preset}: {PRESETS[preset].meaning})" if preset else "") + connected


def _memory_words(memory: MemoryLimit | None) -> str:
    if memory is None:
        return ""
    return f", a batch of {memory.training.smallest_batch_size:,} within {quantities.size(memory.bytes)}"


def _infeasible_words(survey: SpaceSurvey) -> str:
    number, draws = len(survey.draws) - len(survey.feasible), len(survey.draws)
    why = "; ".join(f"{obstacle}: {count:,}" for obstacle, count in survey.obstacles.items())
    return f"{number:,} of {draws:,} ({quantities.percent(number / draws)})" + (f": {why}" if why else "")


def _searched(survey: SpaceSurvey) -> Sequence[Row]:
    kinds = {item.name: item.kind for item in survey.space.hyperparameters}
    words = {"int": "integer", "float": "float"}
    return [
        {"name": item.name, "low": item.low, "high": item.high, "kind": words[kinds[item.name]]}
        for item in survey.space.dimensions
    ]


def _distribution(survey: SpaceSurvey) -> Sequence[Row]:
    rows: list[Row] = []
    for key, (title, show) in _SHOWN.items():
        found = survey.quantiles(key)
        if found:
            rows.append({"quantity": title, **{name: show(value) for name, value in found.items()}})
    return rows


def _draw_row(draw: SpaceDraw) -> dict[str, Any]:
    return {
        "draw": draw.number,
        "nodes": draw.nodes,
        "width": draw.width,
        "parameters": draw.parameters,
        "flops": draw.flops,
        "bytes_per_sample": draw.bytes_per_sample,
        "infeasible": None if draw.obstacle is None else str(draw.obstacle),
        "architecture_hash": draw.architecture_hash,
        "theta": dict(draw.theta),
        "canonical_theta": dict(draw.canonical_theta),
    }
