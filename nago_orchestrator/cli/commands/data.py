"""data check, data prepare: the images of a study."""

from __future__ import annotations

from typing import Any

import typer

from nago_orchestrator.cli.options import Output, OutputFormat, StudyFile
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, print_facts, print_rows, to_json
from nago_orchestrator.domain.dataset import in_words
from nago_orchestrator.formatting.quantities import size
from nago_orchestrator.services.data_check import DataCheck
from nago_orchestrator.services.data_check import check_data as examine
from nago_orchestrator.services.data_preparation import prepare_data
from nago_orchestrator.spec import load_study_spec

app = typer.Typer(
    name="data",
    help="Check or prepare the images of a study before it runs.",
    no_args_is_help=True,
    add_completion=False,
)
PROBLEM = 3
CLASSES = (
    Column(key="name", title="class", right=False),
    Column(key="images", title="images"),
    Column(key="training", title="training"),
    Column(key="validation", title="validation"),
    Column(key="test", title="test"),
)
PREPARED = (
    Column(key="folder", title="folder", right=False),
    Column(key="images", title="images"),
    Column(key="bytes", title="bytes"),
)
LEFT_OUT = (
    Column(key="count", title="left out"),
    Column(key="reason", title="reason", right=False),
    Column(key="examples", title="examples", right=False, show=", ".join, folds=True),
)


@app.command()
def check(file: StudyFile, output: Output = OutputFormat.TABLE) -> None:
    """Count images by class, and list what is left out and all images that cannot be read.

    Every image is decoded once; one that has not changed since is not read again. Exit code 3 if the study cannot
    train on them.
    """
    found = examine(load_study_spec(file))
    if output is OutputFormat.JSON:
        say(to_json(_as_mapping(found)))
    elif output is OutputFormat.CSV:
        print_rows(found.report.classes, CLASSES, output, empty="")
    else:
        _print(found)
    if not found.trainable:
        raise typer.Exit(PROBLEM)


@app.command()
def prepare(file: StudyFile, output: Output = OutputFormat.TABLE) -> None:
    """Decode and resize the images of a local study once, for all of its trials.

    Images that are prepared already stay as they are. Trials prepare what does not fit into memory by themselves.
    """
    found = prepare_data(load_study_spec(file))
    if output is OutputFormat.TABLE:
        say(f"{found.images:,} images ({size(found.bytes)}) are prepared in {found.folder}")
    else:
        print_rows([found], PREPARED, output, empty="")


def _as_mapping(found: DataCheck) -> dict[str, Any]:
    return {
        "dataset": found.name,
        "path": found.path,
        "image_size": found.image_size,
        "batch_size": found.batch_size,
        "steps_per_epoch": found.summary.steps_per_epoch,
        "warnings": list(found.warnings),
        **found.report.to_json(),
    }


def _print(found: DataCheck) -> None:
    report = found.report
    print_facts(_facts(found))
    say("")
    print_rows(report.classes, CLASSES, OutputFormat.TABLE, empty="no classes")
    if report.left_out:
        say("")
        print_rows(report.left_out, LEFT_OUT, OutputFormat.TABLE, empty="")
    for title, sentences in (
        ("problems", report.problems),
        (f"broken images ({report.broken_count:,})", [broken.why for broken in report.broken]),
        ("warnings", found.warnings),
    ):
        if sentences:
            say(f"\n{title}")
        for sentence in sentences:
            say(f"  {sentence}")
    unlisted = report.broken_count - len(report.broken)
    if unlisted:
        say(f"  {unlisted:,} more broken images are not listed")


def _facts(found: DataCheck) -> list[tuple[str, str]]:
    report = found.report
    colours = "grey, 1 channel" if report.channels == 1 else f"colour, {report.channels} channels"
    sizes = "-"
    if report.smallest and report.largest:
        smallest, largest = ("×".join(map(str, size)) for size in (report.smallest, report.largest))
        sizes = smallest if smallest == largest else f"{smallest} to {largest}"
    return [
        ("dataset", found.name if found.path is None else f"{found.name} {found.path}"),
        ("images", in_words(found.summary)),
        ("pixels", f"{sizes}, resized to {found.image_size}×{found.image_size}; {colours}"),
    ]
