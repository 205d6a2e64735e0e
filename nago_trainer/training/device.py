"""The device of a training. `python -m nago_trainer.training.device NAME` says whether this machine has it."""

from __future__ import annotations

import sys

import torch

from nago_trainer.errors import DeviceError
from nago_trainer.log import log


def choose_device(name: str) -> torch.device:
    """`auto` is the first GPU, or the CPU where there is none. Raises DeviceError for a device that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # AssertionError: torch without CUDA
        raise DeviceError(f"this machine has no device {name!r}", do="choose auto or cpu") from error
    return device


def main() -> int:
    try:
        choose_device(sys.argv[1])
    except DeviceError as error:
        log(f"error: {error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
