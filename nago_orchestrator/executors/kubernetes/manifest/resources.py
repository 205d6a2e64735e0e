"""What a trial's container asks of a node: CPU, memory and GPUs, from the trial's plan where the study does not say."""

from __future__ import annotations

from typing import Any

from nago_orchestrator.domain.dataset import bytes_in_memory, pixel_bytes
from nago_orchestrator.domain.device_memory import copies_of_parameters
from nago_orchestrator.executors.kubernetes.manifest.quantities import quantity
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings
from nago_trainer.architecture import Architecture, TensorShape, build_plan
from nago_trainer.architecture.plan.memory import bytes_per_sample
from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.learning_rate import images_at_once
from nago_trainer.contract.task import DatasetSettings, TrialTask

MEBIBYTE = 2**20
PROGRAM_BYTES = 1024 * MEBIBYTE
"""Python, torch and a dataset of CIFAR's size in memory."""
PROGRAM_WITH_GPU_BYTES = 6144 * MEBIBYTE
"""The same with CUDA's libraries loaded and pinned buffers; the network itself lies on the GPU."""
COUNTED_IMAGE_BYTES = 256 * MEBIBYTE
"""Of these, for the images: what CIFAR takes at its own size."""
BATCHES_READ_AHEAD = 6
"""Of prepared images that do not fit into memory: those that are read, wait, or are trained on."""
INDEX_BYTES = 512
"""Of each prepared image: label, checksum and the name of its file, while they are read."""
MARGIN = 1.5
"""For what bytes per sample leave out: workspaces below the tensors, fragmentation."""
ROUND_TO_BYTES = 64 * MEBIBYTE


GPU_CLAIM = "gpu"
"""What the container calls its pod's claim."""


def trial_resources(task: TrialTask, settings: KubernetesSettings) -> dict[str, Any]:
    """Memory is limited where it is requested, CPU is not: a limit would slow training down on an idle node."""
    memory = settings.memory or in_mebibytes(training_bytes(task, on_gpu=settings.gpu_count > 0))
    # What lies in /dev/shm counts as the container's memory.
    limit = settings.memory or in_mebibytes(quantity(memory) + quantity(settings.shared_memory))
    by_resource = settings.gpu_count and settings.gpu_claim is None
    gpus = {settings.gpu_resource: str(settings.gpu_count)} if by_resource else {}
    claims = {} if settings.gpu_claim is None else {"claims": [{"name": GPU_CLAIM}]}
    return {
        "requests": {"cpu": settings.cpu or str(task.threads), "memory": memory, **gpus},
        "limits": {"memory": limit, **gpus},
        **claims,
    }


def training_bytes(task: TrialTask, *, on_gpu: bool) -> int:
    """Main memory that one training needs."""
    images = _bytes_of_images(task.dataset, images_at_once(task.training))
    if on_gpu:
        return PROGRAM_WITH_GPU_BYTES + images
    image = TensorShape(task.dataset.channels, task.dataset.image_size)
    plan = build_plan(Architecture.from_json(task.architecture), image, task.dataset.classes, task.width)
    batch = bytes_per_sample(plan) * images_at_once(task.training)
    copies = copies_of_parameters(task.training) + 1  # one being saved
    return PROGRAM_BYTES + images + round(MARGIN * (batch + copies * 4 * task.parameters))


def _bytes_of_images(dataset: DatasetSettings, batch_size: int) -> int:
    """Beyond those that PROGRAM_BYTES counts; 0 where nobody has counted the images."""
    published = DATA_SETS[dataset.name].published
    images = dataset.images or (0 if published is None else published.images)
    held, ahead = bytes_in_memory(dataset, images), pixel_bytes(dataset, BATCHES_READ_AHEAD * batch_size)
    index = INDEX_BYTES * images if dataset.prepared is not None else 0
    return max(0, (held or ahead) + index - COUNTED_IMAGE_BYTES)


def in_mebibytes(amount: float) -> str:
    """Rounded up, so that small differences between trials do not show."""
    steps = -(-amount // ROUND_TO_BYTES)
    return f"{round(steps * ROUND_TO_BYTES / MEBIBYTE)}Mi"
