"""train-best: full training of networks of the best generators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.cli.study import Follow

NOT_KEPT = (
    "what they reach is stored, their weights are not: the study file names no volume for them "
    "(execution.kubernetes.checkpoints)"
)


def train_best(  # a command's options
    name: StudyName = None,
    front: Annotated[
        bool | None,
        typer.Option("--pareto/--best", help="Every generator of the front, or the best alone. Default: as searched."),
    ] = None,
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
    from nago_orchestrator.store import queries
    from nago_orchestrator.store.store import open_store
    from nago_orchestrator.train_best import keeps_networks
    from nago_orchestrator.train_best import train_best as queue_training
    from nago_orchestrator.wording import counted

    with reading(database) as engine:
        study = chosen_study(engine, name)
        rows = queries.pareto_front(engine, study)
        incumbent = queries.incumbent(engine, study)
        if front is None:
            front = len(queries.study_status(engine, study)["objectives"]) > 1
    found = rows if front else [incumbent] if incumbent else []
    chosen = [Chosen(proposal=row["proposal"], theta=row["theta"]) for row in found]
    url = known_database(database)
    stored, added = queue_training(
        open_store(url), study, chosen, networks=networks, epochs=epochs, now=datetime.now(UTC)
    )
    generators = counted(len(chosen), "generator")
    typer.echo(f"to be trained in full: {counted(added, 'new network')} of {generators}")
    if not added:
        typer.echo("those were trained for as many epochs already; other --epochs train them anew")
    if added and not keeps_networks(stored):
        typer.echo(NOT_KEPT, err=True)
    raise typer.Exit(go_on(stored.name, stored.state, url, follow=follow))
