"""Runs the benchmarks, all or the named ones; ends non-zero when a goal is not met."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

PARTS = {
    "__main__",
    "bohb_race",
    "digits_fronts",
    "digits_picture",
    "digits_table",
    "fidelity_problems",
    "fidelity_race",
    "figure",
    "kept_memory",
    "official",
    "peers",
    "problems",
    "race",
    "repeated_lines",
    "rows",
    "sghmc_torch",
    "surrogate_batch",
    "surrogate_problems",
    "surrogate_scores",
    "synthetic_proposals",
    "synthetic_study",
    "unit_space",
}
"""What the benchmarks share; run by nobody."""

NEEDING_AN_ARGUMENT = {"trainer": "python -m benchmarks.trainer PATH, with the package noah-vega at PATH"}


def main(names: list[str]) -> int:
    folder = Path(__file__).parent
    known = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if module.name not in PARTS)
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in NEEDING_AN_ARGUMENT:
        if not names or name in names:
            print(f"{name} is left out: run {NEEDING_AN_ARGUMENT[name]}", file=sys.stderr)
    if set(names) & NEEDING_AN_ARGUMENT.keys():
        return 2
    missed = [name for name in names or known if name not in NEEDING_AN_ARGUMENT and _run(name) != 0]
    if missed:
        print(f"goals missed in: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _run(name: str) -> int:
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
