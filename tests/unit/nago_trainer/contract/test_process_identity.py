from __future__ import annotations

import os

import psutil
import pytest

from nago_trainer.contract.process_identity import process_start_ticks


def test_the_start_is_that_of_the_process() -> None:
    ticks = process_start_ticks(os.getpid())
    assert ticks is not None
    started = psutil.boot_time() + ticks / os.sysconf("SC_CLK_TCK")
    assert started == pytest.approx(psutil.Process().create_time(), abs=2)


def test_a_process_that_is_gone_has_no_start() -> None:
    assert process_start_ticks(2**22 + 1) is None
