"""best: the best generator that a search has found, and its networks of the final training."""

from __future__ import annotations

from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.final_networks import print_trained
from nago_orchestrator.cli.output.posterior import print_posterior
from nago_orchestrator.cli.output.tables import print_facts, print_rows, print_table, to_json, without
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.domain.rows import BestGenerator
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.best_generator import Repeats, repeats_of
from nago_orchestrator.services.missing_best import without_value
from nago_orchestrator.services.posterior_ranking import rank_by_posterior
from nago_orchestrator.store import found, queries


def best(
    name: StudyName = None,
    posterior: Annotated[
        bool,
        typer.Option(
            "--posterior", help="Rank all generators by the posterior mean of a surrogate (needs the extra `mobo`)."
        ),
    ] = False,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Show the best generator so far (by the first objective), its trials, and its networks of the final training."""
    with reading(database) as engine:
        study = chosen_study(engine, name)
        row, trained = found.incumbent(engine, study), queries.final_training(engine, study)
        empty = f"the study {study} has {without_value(engine, study)}" if row is None else ""
        ranking = rank_by_posterior(engine, study, row.fidelity) if row is not None and posterior else None
    if ranking is not None:
        print_posterior(ranking, output)
    elif row is None:
        if output is OutputFormat.JSON:
            typer.echo(empty, err=True)
            typer.echo("null")
            return
        print_rows([], columns.FRONT, output, empty=empty)
    elif output is OutputFormat.JSON:
        typer.echo(to_json({**columns.of_study(study, row), "generator": repeats_of(row), "trained": trained}))
    elif output is OutputFormat.CSV:
        shown = {**columns.of_study(study, row), "generator": repeats_of(row)}
        print_rows([without(shown, "trials", "canonical_theta")], (), output, empty="")
    else:
        _print_best(study, row)
        print_trained(trained)


def _print_best(study: str, row: BestGenerator) -> None:
    values = [(name, quantities.objective(name, value)) for name, value in row.objective_values.items()]
    shown = columns.of_study(study, row)
    print_facts([*values, *_spread(repeats_of(row)), *columns.facts(shown, columns.EVALUATION_FACTS)])
    typer.echo("\ntheta")
    print_table([{"name": name, "value": value} for name, value in row.theta.items()], columns.THETA)
    typer.echo("\ntrials")
    print_table(row.trials, columns.TRIALS)


def _spread(generator: Repeats) -> list[tuple[str, str]]:
    """Where the generator was sampled more than once."""
    if generator.mean is None or generator.deviation is None:
        return []
    mean, deviation = (
        quantities.objective(generator.objective, value) for value in (generator.mean, generator.deviation)
    )
    again = len(generator.proposals)
    where = f", evaluated {again} times" if again > 1 else ""
    return [
        (
            "all networks",
            f"mean {mean}, standard deviation {deviation} over {counted(generator.networks, 'network')}{where}",
        )
    ]
