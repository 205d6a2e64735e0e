"""Real evaluations for `benchmarks.surrogate`: generators of networks for handwritten digits, drawn at random.

`python -m benchmarks.digits_table > benchmarks/data/digits-random.csv` made the table that is kept; about 5 minutes on
one core. Columns: the canonical theta (searched hyperparameters only), validation error, memory in bytes per sample.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

STUDY = Path(__file__).parent / "data" / "digits-random.yaml"
SEARCHED = ("top_nodes", "top_k", "top_p", "mid_nodes", "mid_p", "bottom_nodes", "bottom_k", "bottom_p")
EVALUATIONS = """
    SELECT proposal.canonical_theta, evaluation.objective_values
    FROM evaluation JOIN proposal ON proposal.id = evaluation.proposal_id
    WHERE evaluation.outcome = 'ok' ORDER BY proposal.number
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "nago.sqlite"
        environment = {**os.environ, "NAGO_DATABASE_URL": str(database)}
        command = [sys.executable, "-m", "nago_orchestrator", "submit", str(STUDY), "--local"]
        subprocess.run(command, env=environment, stdout=sys.stderr, check=True)
        write_table(database)
    return 0


def write_table(database: Path) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*SEARCHED, "error", "bytes_per_sample"])
    with sqlite3.connect(database) as connection:
        for theta, values in connection.execute(EVALUATIONS):
            objectives = json.loads(values)
            hyperparameters = [json.loads(theta)[name] for name in SEARCHED]
            writer.writerow([*hyperparameters, round(1 - objectives["accuracy"], 6), int(objectives["memory"])])


if __name__ == "__main__":
    raise SystemExit(main())
