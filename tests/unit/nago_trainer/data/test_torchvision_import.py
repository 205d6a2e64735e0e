from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_datasets_can_be_imported_whatever_torch_was_built_for() -> None:
    """In a process of its own, as the first thing that knows of torchvision."""
    program = (
        "from nago_trainer.data.torchvision_import import import_torchvision_datasets\n"
        "first, again = import_torchvision_datasets(), import_torchvision_datasets()\n"
        "print(first is again, first.CIFAR10.__name__, first.CIFAR100.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "CIFAR10", "CIFAR100"]
