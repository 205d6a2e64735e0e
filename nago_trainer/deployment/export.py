"""`nago-train export`: a saved network as a file for programs without NAGO, which appears only once it is checked."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from torch import Tensor

from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.task import SQUASH
from nago_trainer.deployment.comparison import largest_difference
from nago_trainer.deployment.exported import examples, module_of
from nago_trainer.deployment.visible import visible
from nago_trainer.errors import ReportError, TaskError
from nago_trainer.network.saved_network import NetworkFacts, TrainedNetwork, load_network
from nago_trainer.whole_file import write_whole


def export(options: Namespace) -> int:
    """Raises TaskError, ExportError or ReportError, and then leaves no file."""
    target: Path = options.output_file or Path(f"{options.network.stem}.{options.format}")
    with _as_report_errors(target):
        _refuse_unwanted(target, options.force)
    network = load_network(options.network)
    _refuse_anothers(network.facts, options)
    form = import_module(f"nago_trainer.deployment.{options.format}_form")  # its library is optional
    draft = target.with_name(f".nago-export-{os.getpid()}.{options.format}")  # short, whatever the file's own name
    with _as_report_errors(target), _removed_at_the_end(draft):
        if options.format == "safetensors":
            _refuse_preprocessing(options.with_preprocessing)
            write_whole(draft, form.safetensors_bytes(network))
            form.check_safetensors(network, draft)
            checked = "its weights are the network's"
        else:
            _refuse_other_fits(network.facts.dataset.fit, options.with_preprocessing)
            write, run = (getattr(form, f"{options.format}_{what}") for what in ("bytes", "logits"))
            write_whole(draft, write(network, options.with_preprocessing))
            checked = _compared(network, draft, run, options.with_preprocessing)
        draft.replace(target)
    sys.stdout.write(f"wrote {target}: {checked}\n")
    return ExitCode.DONE


@contextmanager
def _as_report_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(f"cannot write the exported network: {error.strerror}", where=target) from error


@contextmanager
def _removed_at_the_end(draft: Path) -> Iterator[None]:
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)


def _refuse_unwanted(target: Path, force: bool) -> None:
    if target.is_dir():
        raise TaskError("cannot write the exported network: this is a folder", where=target, do="name a file in it")
    if target.exists() and not force:
        raise TaskError("the file already exists", where=target, do="name another with -O, or add --force")
    if not target.absolute().parent.is_dir():
        raise TaskError("the folder does not exist", where=target.parent, do="create it")


def _refuse_anothers(facts: NetworkFacts, options: Namespace) -> None:
    found = f"{facts.study}/{facts.trial}"
    if options.trial not in (None, found):
        raise TaskError(
            f"the file has the network of the trial {visible(found)}, not of {options.trial}",
            where=options.network,
            do="`nago-train export` without --trial exports it all the same",
        )


def _refuse_preprocessing(wanted: bool) -> None:
    if wanted:
        raise TaskError(
            "safetensors contains only weights and cannot include preprocessing", do="choose --format onnx or pt2"
        )


def _refuse_other_fits(fit: str, with_preprocessing: bool) -> None:
    if with_preprocessing and fit != SQUASH:
        raise TaskError(
            f"the preprocessing that can be part of the file stretches images, and the network has fit: {fit}",
            do="leave out --with-preprocessing",
        )


def _compared(
    network: TrainedNetwork,
    file: Path,
    run: Callable[[Path, Sequence[Tensor]], list[Tensor]],
    with_preprocessing: bool,
) -> str:
    images = examples(network.facts, with_preprocessing)
    module = module_of(network, with_preprocessing)
    largest = largest_difference(module, images, run(file, images), rounded=with_preprocessing)
    return f"checked against the network, logits differ by at most {largest:.1g}"
