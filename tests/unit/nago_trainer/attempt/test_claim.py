from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nago_trainer.attempt.claim import claim
from nago_trainer.contract.attempt_files import CLAIM_FILE
from nago_trainer.contract.process_identity import process_start_ticks
from nago_trainer.errors import ClaimedError
from tests import processes


def test_a_claim_tells_the_process_and_when_it_started(tmp_path: Path) -> None:
    claim(tmp_path)
    written = json.loads((tmp_path / CLAIM_FILE).read_text())
    assert written == {"pid": os.getpid(), "start_ticks": process_start_ticks(os.getpid())}
    assert os.listdir(tmp_path) == [CLAIM_FILE]


def test_a_second_claim_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / CLAIM_FILE).write_text("theirs")
    with pytest.raises(ClaimedError, match="another process has claimed the attempt already"):
        claim(tmp_path)
    assert os.listdir(tmp_path) == [CLAIM_FILE]
    assert (tmp_path / CLAIM_FILE).read_text() == "theirs"


@pytest.mark.slow
def test_one_of_many_processes_gets_it(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\nfrom nago_trainer.attempt.claim import claim\ninput()\nclaim(pathlib.Path(sys.argv[1]))"
    )
    racers = [
        processes.start([sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate()
    assert sorted(racer.returncode == 0 for racer in racers) == [False] * 5 + [True]
    assert json.loads((tmp_path / CLAIM_FILE).read_text())["pid"] in [racer.pid for racer in racers]
