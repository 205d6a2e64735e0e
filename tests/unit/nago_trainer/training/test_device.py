from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.errors import DeviceError
from nago_trainer.training.device import choose_device


def test_a_device_is_found() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(DeviceError):
        choose_device("")


@pytest.mark.slow
def test_as_a_program_it_says_what_is_not_there() -> None:
    command = [sys.executable, "-m", "nago_trainer.training.device", "cuda:99"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == ExitCode.BAD_TASK
    assert ended.stderr == "error: this machine has no device 'cuda:99': choose auto or cpu\n"
