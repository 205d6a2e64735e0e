"""train-best: final training of networks of the best generators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Follow, StudyName
from nago_orchestrator.cli.output.following import go_on
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.final_training import Choice, Queued, chosen_generators
from nago_orchestrator.services.final_training import train_best as queue_training
from nago_orchestrator.store.store import open_store

NOT_KEPT = (
    "warning: the results are stored, but the networks are not saved: the study file names no volume for them "
    "(execution.kubernetes.checkpoints)"
)
ALL_TRAINED = "these networks have been trained already; give more --networks or other --epochs to train further ones"


def train_best(  # noqa: PLR0913  # one argument for each option of the command
    name: StudyName = None,
    pareto: Annotated[
        bool,
        typer.Option(
            "--pareto",
            help="Train networks of each Pareto-optimal generator; with several objectives the default without --best, "
            "--proposals and --random.",
        ),
    ] = False,
    best: Annotated[
        bool,
        typer.Option(
            "--best",
            help="Train networks of the best generator; with one objective the default without --pareto, --proposals "
            "and --random.",
        ),
    ] = False,
    proposals: Annotated[
        str | None,
        typer.Option("--proposals", help="Train networks of the generators of these proposals, for example 3,17."),
    ] = None,
    random: Annotated[
        int,
        typer.Option(
            "--random", min=0, max=1000, help="Train networks of this many random generators, to compare with."
        ),
    ] = 0,
    networks: Annotated[
        int | None,
        typer.Option(
            "--networks",
            "-k",
            min=1,
            max=1000,
            help="Networks per generator, including those already trained; default: final_training.networks.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, max=100_000, help="Epochs of each training; default: final_training.epochs."),
    ] = None,
    follow: Follow = True,
    database: Database = None,
) -> None:
    """Final training: train networks of the best, of each Pareto-optimal or of other generators and save them.

    The section `final_training` of the study file configures it. `best` and `pareto` show the results.
    """
    if pareto and best:
        raise InputError("--pareto and --best exclude each other", do="give only one of them")
    with reading(database) as engine:
        study = chosen_study(engine, name)
        choice = Choice(pareto=pareto, best=best, proposals=_numbers(proposals), random=random)
        chosen = chosen_generators(engine, study, choice)
    url = known_database(database)
    queued = queue_training(open_store(url), study, chosen, networks=networks, epochs=epochs, now=datetime.now(UTC))
    _tell(queued)
    raise typer.Exit(go_on(queued.study.name, queued.study.state, url, follow=follow))


def _numbers(given: str | None) -> tuple[int, ...]:
    """Raises InputError for what is no list of numbers."""
    words = [] if given is None else [word.strip() for word in given.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise InputError(f"--proposals must be numbers of proposals, found '{given}'", do="write them as in 3,17")
    return tuple(map(int, words))


def _tell(queued: Queued) -> None:
    if not queued.networks:
        say(f"nothing new: {ALL_TRAINED}")
        return
    new = f"{counted(queued.networks, 'new network')} of {counted(queued.generators, 'generator')}"
    measured = "the test images" if queued.tested else "the validation images, which the search has seen"
    say(f"final training of {new}, measured on {measured}")
    if queued.infeasible:
        which = f"{len(queued.infeasible)} of them cannot be trained"
        say(f"warning: {which}: {queued.infeasible[0]}", err=True)
    if queued.shortfall is not None:
        say(f"warning: {queued.shortfall}", err=True)
    if not queued.saved:
        say(NOT_KEPT, err=True)
