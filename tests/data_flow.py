"""Traces how a datum passes through the two programs, and reads the stops that docs/architecture.md lists.

The rule is that of the page: a stop is a function of the packages that is called from another folder (neither inside
the other) with one of the datum's forms among its arguments, alone or in a collection, or that gives one back.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("nago_orchestrator/", "nago_trainer/")
LISTED = re.compile(r"^\d+\. `(nago_[\w/]+\.py:[\w.]+)`, from `([\w/]+\.py:[\w.]+)`", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stop:
    function: str
    """`file:function`, from the root of the repository."""
    caller: str
    """The nearest function of the packages above it on the stack."""


def listed_stops(heading: str) -> list[Stop]:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition(f"### {heading}\n")[2].partition("\n#")[0]
    return [Stop(function, caller) for function, caller in LISTED.findall(section)]


@dataclass
class Trace:
    is_form: Callable[[Any], bool]
    forms: tuple[type, ...]
    """Their own methods and constructors are no stops."""
    stops: list[Stop] = field(default_factory=list)
    """In the order in which they were first reached."""

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        if event not in ("call", "return") or (place := _place(frame)) is None:
            return
        caller = _caller(frame)
        if caller is None or _is_near(caller, place) or self._belongs_to_a_form(frame):
            return
        code = frame.f_code
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        passed = [value] if event == "return" else [frame.f_locals.get(name) for name in arguments]
        stop = Stop(place, caller)
        if stop not in self.stops and any(self._carries(item) for item in passed):
            self.stops.append(stop)

    def _carries(self, value: Any) -> bool:
        if self.is_form(value):
            return True
        if isinstance(value, Mapping):
            return any(self._carries(item) for item in list(value.values()))
        return isinstance(value, (list, tuple)) and any(self._carries(item) for item in value)

    def _belongs_to_a_form(self, frame: FrameType) -> bool:
        owner = frame.f_locals.get("self", frame.f_locals.get("cls"))
        return isinstance(owner, self.forms) or (isinstance(owner, type) and issubclass(owner, self.forms))


@contextmanager
def traced(is_form: Callable[[Any], bool], *forms: type) -> Iterator[Trace]:
    """In this thread, and in all that begin inside."""
    trace = Trace(is_form, forms)
    before = sys.getprofile()
    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def _place(frame: FrameType) -> str | None:
    file = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
    return f"{file}:{frame.f_code.co_qualname}" if file.startswith(PACKAGES) else None


def _caller(frame: FrameType) -> str | None:
    above = frame.f_back
    while above is not None and _place(above) is None:
        above = above.f_back
    return None if above is None else _place(above)


def _is_near(caller: str, place: str) -> bool:
    """Whether both are in one folder, or one is in a folder of the other's."""
    first, second = _folder(caller), _folder(place)
    return first.is_relative_to(second) or second.is_relative_to(first)


def _folder(place: str) -> Path:
    """A module at the root of a package stands for itself."""
    file = Path(place.partition(":")[0])
    return file if f"{file.parent}/" in PACKAGES else file.parent
