"""A volume of the cluster with a folder of images, as an administrator puts them there."""

from __future__ import annotations

from dataclasses import replace

from nago_orchestrator.executors.kubernetes.manifest.job import assemble_job, pod_template, trainer_container
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.spec.kubernetes import CheckpointsSection, KubernetesSection
from tests.cluster.documents import SMALL_NODE, Document
from tests.cluster.installation import Installation

CLAIM = "nago-data"
FOLDER = "digits"
OF_EACH = 60
CLASSES = 10
PROGRAM = f"""
from pathlib import Path
from PIL import Image
from sklearn.datasets import load_digits
found = load_digits()
counts = dict.fromkeys(range({CLASSES}), 0)
for pixels, label in zip(found.images, found.target):
    if counts[label] < {OF_EACH}:
        counts[label] += 1
        folder = Path("/checkpoints/{FOLDER}") / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15.9).astype("uint8")).save(folder / f"{{counts[label]}}.png")
Path("/checkpoints/{FOLDER}/readme.txt").write_text("no image")
"""


def put_digits(installation: Installation) -> None:
    """Grey images of 8×8, in ten folders; and a file that is none."""
    section = KubernetesSection(
        image=installation.images.trainer, checkpoints=CheckpointsSection(claim=CLAIM), memory="512Mi", cpu="100m"
    )
    settings = replace(settings_of(section), namespace=installation.namespace)
    resources = {"requests": {"cpu": "100m", "memory": SMALL_NODE["memory"]}, "limits": {"memory": "512Mi"}}
    container = trainer_container(["/opt/nago/bin/python3", "-c", PROGRAM], [], resources, settings)
    template = pod_template({"app.kubernetes.io/name": "nago-trainer"}, container, settings)
    job = installation.run_job(assemble_job("put-digits", {}, template, settings))
    assert "Complete" in [entry["type"] for entry in job["status"]["conditions"]], installation.describe()
    installation.kubectl("delete", "job", "put-digits")


def on_images() -> tuple[Document, Document]:
    """For a study file: what stands in `trainer` and in `execution.kubernetes`."""
    dataset = {"name": "folder", "path": FOLDER, "image_size": 8, "classes": CLASSES, "channels": 1}
    trainer = {"dataset": dataset, "batch_size": 32, "learning_rate": 0.1, "horizontal_flip": False, "cutout": 0}
    return {**trainer, "crop_padding": 1}, {"data": {"claim": CLAIM}}
