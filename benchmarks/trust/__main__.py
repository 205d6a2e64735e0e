"""Tracebacks and bugs in 10,000 mutated study files, 5,000 command lines, 5,000 reports of trainers; the goal is none.

`python -m benchmarks.trust` prints one JSON line per figure and ends with 1 if a goal is not met. Everything runs in
this process, below a temporary folder. `python -m benchmarks.trust SHARE SEED` takes a share of the examples, from
another seed. Findings, each kind once, are printed with the input that led to them, on the standard error.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.figure import Goal, show
from benchmarks.trust import command_lines, reports, study_files
from benchmarks.trust.findings import Findings, examples

STUDY_FILES, SUBMITTED, COMMAND_LINES, REPORTS = 10_000, 200, 5_000, 5_000
NOWHERE = Path("/nonexistent")
"""Is not there; who makes it has written outside its folder."""


def report(what: str, count: int, found: Findings) -> bool:
    for inputs in found.values():
        wrong, value = inputs[0]
        sys.stderr.write(f"{len(inputs)} times: {wrong}\n    {value!r:.2000}\n")
    return show("trust", f"{count:,} {what}: findings", sum(map(len, found.values())), "", Goal(0))


def main(share: float = 1.0, number: int = 1) -> int:
    count = {name: max(1, round(share * value)) for name, value in _COUNTS.items()}
    print(f"seed {number}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as outside:
        folder, home = Path(outside) / "inside", Path(outside) / "home"
        home.mkdir()
        names = ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
        os.environ.update(dict.fromkeys(names, str(home)))
        os.environ.pop("NAGO_DATABASE_URL", None)
        at = command_lines.place(folder, Path(outside) / "pristine.sqlite")
        os.chdir(folder)
        kinds = {
            "study files": (study_files.study_files, lambda content: study_files.reading(content, folder)),
            "submitted": (study_files.study_files, lambda content: study_files.submitting(content, folder)),
            "command lines": (command_lines.command_lines(at), lambda words: command_lines.running(words, at)),
            "reports": (reports.reports, reports.reading),
        }
        met = [report(name, count[name], examples(*kind, count[name], number)) for name, kind in kinds.items()]
        strays = {path.name for path in Path(outside).iterdir()} - {"inside", "home", "pristine.sqlite"}
        met.append(show("trust", "files outside their folder", len(strays) + NOWHERE.exists(), "", Goal(0)))
        os.chdir("/")
    return 0 if all(met) else 1


_COUNTS = {"study files": STUDY_FILES, "submitted": SUBMITTED, "command lines": COMMAND_LINES, "reports": REPORTS}


if __name__ == "__main__":
    given_share, given_seed = [*sys.argv[1:], *("1.0", "1")[len(sys.argv) - 1 :]][:2]
    raise SystemExit(main(float(given_share), int(given_seed)))
