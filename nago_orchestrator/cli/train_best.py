"""train-best: full training of networks of the best generators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.cli.study import Follow
from nago_orchestrator.errors import InputError

NOT_KEPT = (
    "what they reach is stored, their weights are not: the study file names no volume for them "
    "(execution.kubernetes.checkpoints)"
)


def train_best(  # noqa: PLR0913  # one argument for each option of the command
    name: StudyName = None,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="Every generator of the front: the default with several objectives.")
    ] = False,
    best: Annotated[
        bool, typer.Option("--best", help="The best generator alone: the default with one objective.")
    ] = False,
    networks: Annotated[
        int | None, typer.Option("--networks", "-k", min=1, max=1000, help="Networks of each generator.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, max=100_000, help="Of each training.")] = None,
    follow: Follow = True,
    database: Database = None,
) -> None:
    """Train networks of the best generator, or of each one of the Pareto front, in full and keep them.

    How stands in the section `final` of the study file. `best` shows what came of it.
    """
    from nago_orchestrator.cli.following import go_on
    from nago_orchestrator.final_training import Chosen
    from nago_orchestrator.store import found, queries
    from nago_orchestrator.store.store import open_store
    from nago_orchestrator.train_best import keeps_networks, short_of_search
    from nago_orchestrator.train_best import train_best as queue_training
    from nago_orchestrator.wording import counted

    if pareto and best:
        raise InputError("--pareto and --best each say which generators to train: leave one out")
    with reading(database) as engine:
        study = chosen_study(engine, name)
        several = len(queries.study_status(engine, study)["objectives"]) > 1
        incumbent = found.incumbent(engine, study)
        front = found.pareto_front(engine, study) if pareto or (several and not best) else None
    rows = front if front is not None else [incumbent] if incumbent else []
    chosen = [Chosen(proposal=row["proposal"], theta=row["theta"]) for row in rows]
    url = known_database(database)
    stored, added = queue_training(
        open_store(url), study, chosen, networks=networks, epochs=epochs, now=datetime.now(UTC)
    )
    generators = counted(len(chosen), "generator")
    typer.echo(f"to be trained in full: {counted(added, 'new network')} of {generators}")
    if not added:
        typer.echo(
            "so many were trained for as many epochs already; more --networks or other --epochs train further ones"
        )
    odd = short_of_search(stored, epochs) if added else None
    if odd is not None:
        typer.echo(f"warning: {odd}", err=True)
    if added and not keeps_networks(stored):
        typer.echo(NOT_KEPT, err=True)
    raise typer.Exit(go_on(stored.name, stored.state, url, follow=follow))
