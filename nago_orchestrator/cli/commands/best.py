"""best: the generator that a search has found, and the networks that were trained of it."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.final_networks import print_trained
from nago_orchestrator.cli.output.outlook import without_value
from nago_orchestrator.cli.output.posterior import print_posterior
from nago_orchestrator.cli.output.tables import Row, print_facts, print_rows, print_table, to_json
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.evaluation.generator_results import trial_value
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.store import found, queries


def best(
    name: StudyName = None,
    posterior: Annotated[
        bool,
        typer.Option("--posterior", help="Rank all generators by a surrogate's posterior mean: needs the extra mobo."),
    ] = False,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """The best generator so far, by the first objective, its trials, and its networks that were trained in full."""
    with reading(database) as engine:
        study = chosen_study(engine, name)
        row, trained = found.incumbent(engine, study), queries.final_training(engine, study)
        empty = f"the study {study} has {without_value(engine, study)}" if row is None else ""
    if row is not None:
        row["generator"] = _repeats(row)
    if row is not None and posterior:
        print_posterior(study, row["fidelity"], output, database)
    elif row is None:
        if output is OutputFormat.JSON:
            typer.echo(empty, err=True)
            typer.echo("null")
            return
        print_rows([], columns.FRONT, output, empty=empty)
    elif output is OutputFormat.JSON:
        typer.echo(to_json({**row, "trained": trained}))
    elif output is OutputFormat.CSV:
        print_rows([{key: row[key] for key in row if key not in ("trials", "canonical_theta")}], (), output, empty="")
    else:
        _print_best(row)
        print_trained(trained)


def _repeats(row: Row) -> Row:
    """Of the row's generator, over all its networks at that fidelity: mean and spread."""
    objective = next(iter(row["objective_values"]))
    found = [(trial["proposal"], trial_value(trial, objective)) for trial in row["trials"]]
    known = [(proposal, value) for proposal, value in found if value is not None]
    values = [value for _, value in known]
    return {
        "objective": objective,
        "proposals": sorted({proposal for proposal, _ in known}),
        "networks": len(values),
        "mean": fmean(values) if values else None,
        "deviation": stdev(values) if len(values) > 1 else None,
    }


def _print_best(row: Row) -> None:
    values = [(name, quantities.objective(name, value)) for name, value in row["objective_values"].items()]
    print_facts([*values, *_spread(row["generator"]), *columns.facts(row, columns.EVALUATION_FACTS)])
    typer.echo("\ntheta")
    print_table([{"name": name, "value": value} for name, value in row["theta"].items()], columns.THETA)
    typer.echo("\ntrials")
    print_table(row["trials"], columns.TRIALS)


def _spread(generator: Row) -> list[tuple[str, str]]:
    """Where the generator was sampled more than once."""
    if generator["deviation"] is None:
        return []
    mean, deviation = (quantities.objective(generator["objective"], generator[key]) for key in ("mean", "deviation"))
    again = len(generator["proposals"])
    where = f", evaluated {again} times" if again > 1 else ""
    return [
        (
            "spread",
            f"mean {mean}, standard deviation {deviation} over {counted(generator['networks'], 'network')}{where}",
        )
    ]
