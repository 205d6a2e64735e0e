"""How long a warm server takes from a trial's folder to its first training step, on digits. Needs about a minute.

`python -m benchmarks.trial_start` prints one JSON line per figure and ends with 1 if a goal is not met.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Goal, show
from nago_trainer.architecture import (
    HYPERPARAMETERS,
    HnagTheta,
    TensorShape,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.contract.task import CONTRACT_VERSION, DatasetSettings, TrainingSettings, TrialTask

ATTEMPTS = 10
LIMIT = 50_000
DIGITS = DatasetSettings(
    name="digits", path=None, image_size=8, channels=1, classes=10, validation_fraction=0.2, split_seed=0
)
RECIPE = TrainingSettings(
    batch_size=64,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=1e-3,
    gradient_clip=5.0,
    label_smoothing=0.0,
    dropout=0.0,
    crop_padding=0,
    horizontal_flip=False,
    cutout=0,
)


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        server = subprocess.Popen([sys.executable, "-m", "nago_trainer", "warm"], stdin=subprocess.PIPE)
        try:
            seconds = [_to_first_step(server, Path(scratch) / str(number), number) for number in range(ATTEMPTS + 1)]
        finally:
            server.communicate()
    cold, *warm = seconds
    show("trial_start", "first attempt to first step, the server's start included", cold, "s")
    show("trial_start", "slowest of 10 warm attempts to first step", max(warm), "s")
    met = show("trial_start", "median of 10 warm attempts to first step", statistics.median(warm), "s", Goal(0.5))
    return 0 if met else 1


def _to_first_step(server: subprocess.Popen[bytes], folder: Path, seed: int) -> float:
    """Seconds from the line that names the folder to the moment in which the first batch enters the network."""
    folder.mkdir()
    (folder / "task.json").write_text(json.dumps(_task(seed).to_json()), encoding="utf-8")
    if server.stdin is None:
        raise RuntimeError("the server has no stdin")
    sent = time.time()
    server.stdin.write(json.dumps({"folder": str(folder)}).encode() + b"\n")
    server.stdin.flush()
    while not (folder / "exit.json").exists():
        time.sleep(0.01)
    lines = [json.loads(line) for line in (folder / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    claimed = (folder / "claim.json").stat().st_mtime
    return float(claimed - sent + lines[-1]["result"]["seconds_to_first_step"])


def _task(seed: int) -> TrialTask:
    """One epoch of a network of 20 nodes."""
    graphs = {"top_nodes": 5, "top_k": 4, "top_p": 0.5, "mid_nodes": 1, "mid_p": 0.5}
    nodes = {"bottom_nodes": 4, "bottom_k": 2, "bottom_p": 0.5}
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    architecture = sample_architecture(HnagTheta.from_mapping({**fixed, **graphs, **nodes}), seed)
    width, plan = fit_plan(architecture, TensorShape(DIGITS.channels, DIGITS.image_size), DIGITS.classes, LIMIT)
    return TrialTask(
        version=CONTRACT_VERSION,
        study="benchmark",
        trial=seed,
        attempt=1,
        token="token",
        architecture=architecture.to_json(),
        width=width,
        parameters=count_parameters(plan),
        parameter_limit=LIMIT,
        dataset=DIGITS,
        training=RECIPE,
        epochs=1,
        seed=seed,
        threads=1,
        device="cpu",
        keep_network=False,
    )


if __name__ == "__main__":
    raise SystemExit(main())
