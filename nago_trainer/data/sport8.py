"""SPORT8 (UIUC sports events): a folder for each of 8 events. Called by `catalogue`.

No official split is known. Of each event 70 images are for training and 60 for testing, drawn with a fixed seed from
their sorted names: the same on every machine, and in every study.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nago_trainer.contract.data_report import LeftOut
from nago_trainer.contract.error_text import error_text
from nago_trainer.data.folder_scan import EXAMPLES, scan, together
from nago_trainer.data.listing import TEST, TRAINING, Listing

FOLDER = "event_img"
SOURCE = "extract event_dataset.rar of http://vision.stanford.edu/lijiali/event_dataset/ and give its folder event_img"
SEED = 0


def list_sport8(path: Path, *, classes: int = 8, training: int = 70, test: int = 60) -> Listing:
    """Raises DataError or StorageError."""
    root = path / FOLDER if (path / FOLDER).is_dir() else path
    found = scan(root)
    generator = np.random.default_rng(SEED)
    files, labels, parts, unused, problems = list[Path](), list[int](), list[int](), list[Path](), list[str]()
    if len(found.classes) != classes:
        problems.append(
            error_text(f"sport8 has {classes} classes, and there are {len(found.classes)}", where=root, do=SOURCE)
        )
    for label, folder in enumerate(found.classes):
        if len(folder.files) < training + test:
            what = f"the class {folder.name!r} has {len(folder.files)} images, and the split takes {training + test}"
            problems.append(error_text(what, where=root, do=SOURCE))
        drawn = generator.permutation(len(folder.files))
        part_of = {int(place): TRAINING for place in drawn[:training]}
        part_of |= {int(place): TEST for place in drawn[training : training + test]}
        for place, file in enumerate(folder.files):
            if place not in part_of:
                unused.append(file)
                continue
            files.append(file)
            labels.append(label)
            parts.append(part_of[place])
    left = LeftOut(
        reason=f"beyond {training} training and {test} test images of a class",
        count=len(unused),
        examples=tuple(str(file.relative_to(root)) for file in unused[:EXAMPLES]),
    )
    return Listing(
        root=root,
        class_names=tuple(folder.name for folder in found.classes),
        files=tuple(files),
        labels=np.array(labels, dtype=np.int64),
        parts=np.array(parts, dtype=np.int8),
        left_out=together((*found.left_out, *([left] if unused else []))),
        problems=tuple(problems),
    )
