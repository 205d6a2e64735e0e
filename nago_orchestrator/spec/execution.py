"""The sections `execution`, `limits` and `retries`: where trials run, what a study may spend, what is tried again."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from nago_orchestrator.spec.scalars import Real, Seconds, Whole, known_word, read_text, wrong
from nago_orchestrator.spec.section import Section

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")


def _read_device(value: Any) -> str:
    device = read_text(value)
    if _DEVICE.fullmatch(device) is None:
        raise wrong(f"must be auto, cpu, mps, cuda or cuda:NUMBER, found '{device}'")
    return device


class ExecutionSection(Section):
    where: Annotated[Literal["local"], BeforeValidator(known_word("place", ("local",)))] = "local"
    """Where trials run: `local`, as processes of this machine."""
    parallelism: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """How many trials run at the same time."""
    threads: Annotated[Whole, Field(ge=1, le=1024)] = 1
    """CPU threads of each trial."""
    device: Annotated[str, BeforeValidator(_read_device)] = "auto"
    """Where each trial computes: `auto` (a GPU if there is one), `cpu`, `mps`, `cuda` or one such as `cuda:0`."""
    gpus: Annotated[Whole, Field(ge=0, le=64)] = 0
    """GPUs that each trial occupies, for the count of GPU-hours."""


class LimitsSection(Section):
    trials: Annotated[Whole, Field(ge=1, le=10_000_000)] | None = None
    """No new trial starts once there are this many."""
    wall_time: Annotated[Seconds, Field(gt=0, le=1e9)] | None = None
    """No new trial starts after this long; seconds, or a text such as `2h`, `90m` or `1h30m`."""
    gpu_hours: Annotated[Real, Field(gt=0, le=1e9)] | None = None
    """No new trial starts once the study has used this many GPU-hours."""
    failed_fraction: Annotated[Real, Field(gt=0, le=1)] = 0.5
    """The study stops as failed when more than this share of its finished trials have failed."""


class RetriesSection(Section):
    infrastructure: Annotated[Whole, Field(ge=0, le=1000)] = 3
    """New attempts of a trial whose process, pod or node was lost."""
    defect: Annotated[Whole, Field(ge=0, le=100)] = 1
    """New attempts of a trial that ended with an error of its own."""
    pause: Annotated[Seconds, Field(ge=0, le=86_400)] = 5.0
    """Seconds before the first new attempt, growing with every further one; a text such as `30s` is possible."""
