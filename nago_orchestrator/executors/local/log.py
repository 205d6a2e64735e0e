"""What a local attempt prints: the file in its folder, as it is or as it grows. Called by `nago-orch logs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class LocalLog:
    path: Path
    sleep: Callable[[float], None] = time.sleep

    def read(self, tail: int | None, say: Callable[[str], None]) -> list[str] | None:
        """The lines so far, or the last so many; None if there is no file."""
        if not self.path.exists():
            return None
        lines = self.path.read_bytes().decode(errors="replace").splitlines()
        return lines if tail is None else lines[-tail:]

    def follow(self, tail: int | None, alive: Callable[[], bool], say: Callable[[str], None]) -> Iterator[str]:
        """The same, and then every further line until the attempt is over. `alive`: whether it is not."""
        while not self.path.exists():
            if not alive():
                return
            say("the attempt has printed nothing so far")
            self.sleep(PAUSE_SECONDS)
        with self.path.open("rb") as file:
            rest, lines = _split(b"", file.read())
            yield from lines if tail is None else lines[-tail:]
            going = True
            while going:
                going = alive()  # asked before the last look: nothing comes after it
                rest, lines = _split(rest, file.read())
                yield from lines
                if going and not lines:
                    self.sleep(PAUSE_SECONDS)
        if rest:
            yield rest.decode(errors="replace")


def _split(before: bytes, more: bytes) -> tuple[bytes, list[str]]:
    """What is not a whole line yet, and the whole ones."""
    *whole, rest = (before + more).split(b"\n")
    return rest, [line.decode(errors="replace").removesuffix("\r") for line in whole]
