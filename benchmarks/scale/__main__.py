"""`python -m benchmarks.scale` prints one JSON line per figure and ends with 1 if a goal is not met.

Names choose parts (`trials`, `reports`, `studies`); a number among them is the share of their size.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.scale import reports, studies, trials

PARTS = {"trials": (trials.main, 100_000), "reports": (reports.main, 1_000), "studies": (studies.main, 50)}


def main(words: list[str]) -> int:
    share = next((float(word) for word in words if word not in PARTS), 1.0)
    chosen = [word for word in words if word in PARTS] or list(PARTS)
    met: list[bool] = []
    for name in chosen:
        measure, size = PARTS[name]
        with tempfile.TemporaryDirectory() as folder:
            met += measure(round(share * size), Path(folder))
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
