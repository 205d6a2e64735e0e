"""The sections `execution`, `limits` and `retries`: where trials run, what a study may spend, what is tried again."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.spec.kubernetes import KubernetesSection
from nago_orchestrator.spec.scalars import Real, Seconds, Whole, describe, known_word, read_text, wrong
from nago_orchestrator.spec.section import Section

PLACES = ("local", "kubernetes")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")


def _read_device(value: Any) -> str:
    device = read_text(value)
    if _DEVICE.fullmatch(device) is None:
        raise wrong(f"must be auto, cpu, mps, cuda or cuda:NUMBER, found '{device}'")
    return device


def _read_devices(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise wrong(f"must be a list such as [cuda:0, cuda:1], found {describe(value)}")
    devices = tuple(map(_read_device, value))
    if len(set(devices)) < len(devices):
        raise wrong("names a device twice", do="give each once, and several trials each by trials_per_device")
    return devices


def _gpus_of_trial(validated: dict[str, Any]) -> int:
    if validated.get("where") == "kubernetes":
        section = validated.get("kubernetes")
        return section.gpu.count if section is not None else 0
    return int(any(device.startswith("cuda") for device in validated.get("devices") or ()))


class ExecutionSection(Section):
    where: Annotated[Literal["local", "kubernetes"], BeforeValidator(known_word("place", PLACES))] = "local"
    """Where trials run: `local`, as processes of this machine, or `kubernetes`, as Jobs of a cluster."""
    parallelism: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """How many trials run at the same time."""
    threads: Annotated[Whole, Field(ge=1, le=1024)] = 1
    """CPU threads of each trial."""
    device: Annotated[str, BeforeValidator(_read_device)] = "auto"
    """Where each trial computes: `auto` (a GPU if there is one), `cpu`, `mps`, `cuda` or one such as `cuda:0`."""
    devices: Annotated[tuple[str, ...], BeforeValidator(_read_devices)] | None = None
    """Devices of this machine among which its trials are spread, one each, such as `[cuda:0, cuda:1]`; in place of
    `device`."""
    trials_per_device: Annotated[Whole, Field(ge=1, le=64)] = 1
    """How many trials share each of `devices` at a time."""
    kubernetes: KubernetesSection | None = None
    """How the Jobs look; needed with `where: kubernetes`, and not read without."""
    gpus: Annotated[Whole, Field(ge=0, le=64)] = Field(
        default_factory=_gpus_of_trial,
        json_schema_extra={"x-default": "0; 1 with `devices` that are GPUs; or kubernetes.gpu.count"},
    )
    """GPUs that each trial occupies, for the count of GPU-hours."""

    @property
    def gpu_share(self) -> float:
        """The part that a trial has of each of its GPUs."""
        if self.where == "kubernetes":
            return 1.0 if self.kubernetes is None else self.kubernetes.gpu.share
        return 1.0 if self.devices is None else 1.0 / self.trials_per_device

    @model_validator(mode="after")
    def _devices_have_room(self) -> Self:
        if self.devices is None:
            if self.trials_per_device > 1:
                raise wrong("has trials_per_device without devices", do="name the devices, such as [cuda:0]")
            return self
        if self.where != "local":
            raise wrong("has devices, which are of this machine", do="remove devices, or set where to local")
        if self.device != "auto":
            raise wrong(f"has both device {self.device} and devices", do="remove device")
        room = len(self.devices) * self.trials_per_device
        if self.parallelism > room:
            raise wrong(
                f"has parallelism {self.parallelism} and room for {counted(room, 'trial')} on its devices",
                do=f"set parallelism to {room}, or raise trials_per_device",
            )
        return self

    @model_validator(mode="after")
    def _where_has_its_section(self) -> Self:
        if self.where != "kubernetes":
            return self
        if self.kubernetes is None:
            raise wrong(
                "has `where: kubernetes` without a section kubernetes", do="add the section, with at least image"
            )
        count = self.kubernetes.gpu.count
        if self.gpus != count:
            raise wrong(f"has gpus {self.gpus} and kubernetes.gpu.count {count}", do="remove gpus")
        if count == 0 and self.device.startswith("cuda"):
            raise wrong(
                f"has device {self.device} and kubernetes.gpu.count 0",
                do="set device to cpu or auto, or gpu.count to 1",
            )
        if (self.kubernetes.gpu.claim_template or self.kubernetes.gpu.claim) and not self.device.startswith("cuda"):
            raise wrong(
                f"has a claim in kubernetes.gpu and device {self.device}, which would train unnoticed on a CPU "
                "where the cluster does not know claims",
                do="set device to cuda",
            )
        return self


class LimitsSection(Section):
    trials: Annotated[Whole, Field(ge=1, le=10_000_000)] | None = None
    """Most trials; no proposal is made whose trials would exceed it."""
    wall_time: Annotated[Seconds, Field(gt=0, le=1e9)] | None = None
    """No new trial starts once the study has run for this long, pauses and times without an orchestrator left out;
    seconds, or a text such as `2h`, `90m` or `1h30m`."""
    gpu_hours: Annotated[Real, Field(gt=0, le=1e9)] | None = None
    """No new trial starts once the study has used this many GPU-hours."""
    failed_fraction: Annotated[Real, Field(gt=0, le=1)] = 0.5
    """The study stops as failed when more than this share of the trials that ended since it began or was resumed have
    failed."""


class RetriesSection(Section):
    infrastructure: Annotated[Whole, Field(ge=0, le=1000)] = 3
    """New attempts of a trial whose process, pod or node was lost, counted anew whenever one reports a further epoch
    than all before it."""
    defect: Annotated[Whole, Field(ge=0, le=100)] = 1
    """New attempts of a trial that ended with an error of its own."""
    pause: Annotated[Seconds, Field(ge=0, le=86_400)] = 5.0
    """Seconds before the first new attempt, growing with every further one; a text such as `30s` is possible."""
