"""Architectures of a theta with what their networks cost. Called by `nago-orch sample`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nago_orchestrator.domain.device_memory import MemoryLimit
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.domain.trial_design import Sizing, size_network
from nago_orchestrator.errors import InputError, NotFoundError
from nago_orchestrator.services.missing_best import without_value
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.space_section import preset_space
from nago_orchestrator.store import found
from nago_orchestrator.store.store import open_store
from nago_orchestrator.store.versions import open_engine
from nago_trainer.architecture import (
    Architecture,
    DisconnectedGraphError,
    TensorShape,
    ThetaError,
    read_theta,
    sample_architecture,
)

Theta = Mapping[str, float | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an architecture is sized for."""

    theta: Theta
    connected: bool
    image_size: int
    channels: int
    classes: int
    parameter_limit: int
    memory: MemoryLimit | None = None


def preset_setting(name: str) -> Setting:
    """The paper's images and parameter limit."""
    space = preset_space(name)
    return Setting(
        theta=middle(space),
        connected=space.connected,
        image_size=32,
        channels=3,
        classes=10,
        parameter_limit=4_000_000,
    )


def study_setting(name: str, url: str, *, best: bool) -> Setting:
    """Of a stored study; its theta is the middle of the space, or that of its best generator."""
    study = open_store(url).study(name)
    space = StudySpec.from_canonical(study.spec).search_space()
    theta: Theta = middle(space)
    if best:
        theta = _best_theta(name, url)
    sizing = Sizing.of(study.recipe)
    return Setting(
        theta=theta,
        connected=space.connected,
        image_size=sizing.image.size,
        channels=sizing.image.channels,
        classes=sizing.classes,
        parameter_limit=sizing.parameter_limit,
        memory=sizing.memory,
    )


def _best_theta(name: str, url: str) -> Theta:
    engine = open_engine(url)
    try:
        row = found.incumbent(engine, name)
        if row is None:
            raise NotFoundError(f"the study {name} has no best generator: it has {without_value(engine, name)}")
    finally:
        engine.dispose()
    return row.theta


def middle(space: SearchSpace) -> dict[str, float | int]:
    """The theta in the middle of every range."""
    return space.theta({dimension.name: (dimension.low + dimension.high) / 2 for dimension in space.dimensions})


def sample_all(setting: Setting, seeds: range) -> list[Architecture]:
    """One architecture for each seed. Raises InputError for an illegal theta, and where no connected graph comes up."""
    try:
        theta = read_theta(setting.theta)
        return [sample_architecture(theta, seed, connected=setting.connected) for seed in seeds]
    except (ThetaError, DisconnectedGraphError) as error:
        raise InputError(str(error)) from error


def describe(architecture: Architecture, seed: int, setting: Setting) -> dict[str, Any]:
    """What the largest network within the parameter limit costs; `infeasible` says why it cannot be trained."""
    stages = [architecture.stages.count(stage) for stage in range(len(architecture.channel_ratio))]
    sizing = Sizing(
        image=TensorShape(setting.channels, setting.image_size),
        classes=setting.classes,
        parameter_limit=setting.parameter_limit,
        memory=setting.memory,
    )
    return {
        "seed": seed,
        "cells": len(architecture.cells),
        "stages": "/".join(map(str, stages)),
        "nodes": architecture.node_count,
        "architecture_hash": architecture.digest(),
        **asdict(size_network(architecture, sizing)),
    }
