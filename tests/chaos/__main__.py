"""`make chaos SEED=1 DISTURBANCES=500`: rounds until so many disturbances have been survived, or one was not."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos.journal import Journal, begin, go_on
from tests.chaos.rounds import Ended, local_rounds
from tests.cluster.chaos_rounds import cluster_rounds

STOPPED = 143
"""Exit code after SIGTERM."""


def main(arguments: list[str]) -> int:
    """0 if all invariants held."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the plan (default: a new one, which is printed)")
    parser.add_argument("--disturbances", type=int, default=100, help="how many, with those of before (default 100)")
    parser.add_argument("--resume", type=Path, metavar="JOURNAL", help="go on where the run of this journal stopped")
    parser.add_argument("--cluster", action="store_true", help="in the tests' own cluster (needs root)")
    parser.add_argument("--go-on", action="store_true", help="also after a round with a fault")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(STOPPED))  # disks and networks go with it
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    if given.resume:
        journal = go_on(given.resume)
    else:
        journal = begin(Path(f"chaos-{seed}.jsonl"), seed, in_cluster=given.cluster)
    print(f"seed {journal.seed}: {journal.disturbances} of {given.disturbances}, {journal.path}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="nago-chaos-logs-"))
    with (cluster_rounds if journal.in_cluster else local_rounds)(journal.seed, folder) as run:
        while journal.disturbances < given.disturbances:
            ended = run(journal.next_round)
            journal.note(ended)
            print(_in_words(ended), flush=True)
            if ended.faults and not given.go_on:
                break
    return _sum_up(journal, folder)


def _in_words(ended: Ended) -> str:
    lines = [f"round {ended.number}: {len(ended.applied)} disturbances in {ended.seconds:.0f} s"]
    return "\n  ".join([*lines, *ended.faults])


def _sum_up(journal: Journal, folder: Path) -> int:
    kinds = Counter(str(one.kind) for ended in journal.ended for one in ended.applied)
    faults = sum(len(ended.faults) for ended in journal.ended)
    print(", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    print(f"{journal.disturbances} disturbances in {len(journal.ended)} studies: {faults} faults; logs in {folder}")
    return int(faults > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
