"""The searches side by side on real networks: each spends 160 epochs on digits, through the commands that users have.

`python -m benchmarks.digits_searches` trains what the kept rows (data/digits-searches.csv) lack, then prints one JSON
line per figure and draws docs/pictures/digits-searches.svg; a number as argument asks for other than three seeds. A
study takes some 1.5 minutes of CPU. To measure anew, remove the rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.digits_fronts import FULL, Row, share_of_box
from benchmarks.digits_picture import draw
from benchmarks.figure import Goal, show
from benchmarks.rows import append_rows, read_rows

SEEDS = 3
NETWORKS = 3
"""Trained anew of each generator of a front."""
STUDY = Path(__file__).parent / "data" / "digits-searches.yaml"
ROWS = Path(__file__).parent / "data" / "digits-searches.csv"
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "digits-searches.svg"
EPOCHS = 160
"""What each search spends, over all fidelities."""
SEARCHES: Mapping[str, Mapping[str, Any]] = {
    "random": {"algorithm": "random", "proposals": 40},
    "bohb": {"algorithm": "bohb", "iterations": 15},
    "mobo": {"algorithm": "mobo", "evaluations": 40},
    "ehvi": {"algorithm": "ehvi", "evaluations": 40},
    "phases": {
        "algorithm": "phases",
        "phases": [{"algorithm": "bohb", "iterations": 6}, {"algorithm": "mobo", "evaluations": 24}],
    },
    "mobohb": {"algorithm": "mobohb", "iterations": 15},
}
EVALUATIONS = """
    SELECT proposal.number, proposal.phase, proposal.fidelity, proposal.origin, proposal.final_training,
           evaluation.samples, evaluation.objective_values
    FROM evaluation JOIN proposal ON proposal.id = evaluation.proposal_id
    WHERE evaluation.outcome = 'ok' ORDER BY evaluation.number
"""


def main(seeds: int) -> int:
    rows = read_rows(Row, ROWS) if ROWS.exists() else []
    known = {(row.search, row.seed) for row in rows}
    for seed in range(1, seeds + 1):
        for search in SEARCHES:
            if (search, seed) not in known:
                found = run(search, seed)
                append_rows(found, Row, ROWS)
                rows += found
    PICTURE.write_text(draw(rows, list(SEARCHES)))
    return 0 if all([compare(search, rows) for search in SEARCHES]) else 1


def run(search: str, seed: int) -> list[Row]:
    """The study, then networks of every generator of its front, trained anew for as long as the longest trials."""
    study = {**yaml.safe_load(STUDY.read_text()), "name": f"digits-{search}", "seed": seed, "search": SEARCHES[search]}
    with tempfile.TemporaryDirectory() as folder:
        file, database = Path(folder) / "study.yaml", Path(folder) / "nago.sqlite"
        file.write_text(yaml.safe_dump(study))
        command(database, "submit", str(file), "--local")
        command(database, "train-best", "--pareto", f"--networks={NETWORKS}", f"--epochs={FULL}")
        return stored(database, search, seed)


def command(database: Path, *arguments: str) -> None:
    environment = {**os.environ, "NAGO_DATABASE_URL": str(database)}
    subprocess.run(
        [sys.executable, "-m", "nago_orchestrator", *arguments], env=environment, stdout=sys.stderr, check=True
    )


def stored(database: Path, search: str, seed: int) -> list[Row]:
    with sqlite3.connect(database) as connection:
        found = connection.execute(EVALUATIONS).fetchall()
    return [
        Row(
            search=search,
            seed=seed,
            proposal=number,
            phase=phase,
            epochs=epochs,
            origin=origin,
            again=bool(final),
            networks=networks,
            error=round(json.loads(values)["error"], 6),
            memory=round(json.loads(values)["memory"], 1),
        )
        for number, phase, epochs, origin, final, networks, values in found
    ]


def compare(search: str, rows: list[Row]) -> bool:
    """Prints what one search reached; tells whether it spent what it should."""
    own = [row for row in rows if row.search == search]
    seeds = sorted({row.seed for row in own})
    spent = [sum(row.epochs for row in own if row.seed == seed and not row.again) for seed in seeds]
    full = [sum(row.epochs == FULL for row in own if row.seed == seed and not row.again) for seed in seeds]
    for again, what in ((False, "front as found"), (True, "the same generators, trained anew")):
        shares = [100 * share_of_box(own, seed, again=again) for seed in seeds]
        middle, spread = statistics.median(shares), f"{min(shares):.1f} to {max(shares):.1f}, {len(seeds)} seeds"
        show("digits_searches", f"{search}: hypervolume, {what} ({spread})", middle, "% of the box")
    show("digits_searches", f"{search}: evaluations at {FULL} epochs, median", statistics.median(full), "evaluations")
    return show("digits_searches", f"{search}: most epochs spent", max(spent), "epochs", Goal(EPOCHS))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if sys.argv[1:] else SEEDS))
