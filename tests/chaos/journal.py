"""What has been done so far, as JSON lines: a run that was stopped goes on after the last round that ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.course import Applied
from tests.chaos.plan import Kind
from tests.chaos.rounds import Ended


@dataclass
class Journal:
    path: Path
    seed: int
    in_cluster: bool = False
    ended: list[Ended] = field(default_factory=list)
    """In the order in which the rounds ended."""

    @property
    def next_round(self) -> int:
        return len(self.ended)

    @property
    def disturbances(self) -> int:
        """Of rounds that ended; those of a round that was broken off do not count, and are done again."""
        return sum(len(one.applied) for one in self.ended)

    def note(self, ended: Ended) -> None:
        self.ended.append(ended)
        _append(self.path, asdict(ended))


def begin(path: Path, seed: int, *, in_cluster: bool = False) -> Journal:
    """A new one. Raises FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(exist_ok=False)
    _append(path, {"seed": seed, "in_cluster": in_cluster})
    return Journal(path, seed, in_cluster)


def go_on(path: Path) -> Journal:
    """One that was begun before."""
    first, *others = path.read_text().splitlines()
    begun = json.loads(first)
    ended = [_ended(json.loads(line)) for line in others]
    return Journal(path, int(begun["seed"]), bool(begun.get("in_cluster", False)), ended)


def _append(path: Path, content: object) -> None:
    with path.open("a") as lines:
        lines.write(json.dumps(content) + "\n")


def _ended(line: dict[str, Any]) -> Ended:
    applied = tuple(Applied(**{**one, "kind": Kind(one["kind"])}) for one in line["applied"])
    return Ended(**{**line, "applied": applied, "faults": tuple(line["faults"])})
