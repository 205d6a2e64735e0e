"""best: the best generator that a search has found, and its networks of the final training."""

from __future__ import annotations

from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.final_networks import print_trained
from nago_orchestrator.cli.output.kept_networks import print_networks
from nago_orchestrator.cli.output.posterior import print_posterior
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import print_facts, print_rows, print_table, to_json, without
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.domain.rows import BestGenerator
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.best_generator import Repeats, best_of_study
from nago_orchestrator.services.kept_networks import final_places, found_networks
from nago_orchestrator.services.posterior_ranking import rank_by_posterior


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
    url = known_database(database)
    with reading(database) as engine:
        study = chosen_study(engine, name)
        shown = best_of_study(engine, study)
        row = shown.row
        networks = found_networks(engine, url, study, [] if row is None else [trial.trial for trial in row.trials])
        places = final_places(engine, url, study, shown.trained)
        ranking = rank_by_posterior(engine, study, row.fidelity) if row is not None and posterior else None
    if ranking is not None:
        print_posterior(ranking, output)
    elif row is None:
        _print_none(shown.missing, output)
    elif output is OutputFormat.JSON:
        keys = {**columns.of_study(study, row), "generator": shown.generator, "trained": shown.trained}
        say(to_json({**keys, "networks": networks}))
    elif output is OutputFormat.CSV:
        keys = {**columns.of_study(study, row), "generator": shown.generator}
        print_rows([without(keys, "trials", "canonical_theta")], (), output, empty="")
    else:
        _print_best(study, row, shown.generator)
        if networks:
            say("\nsaved networks")
            print_networks(networks)
        print_trained(shown.trained, places)


def _print_none(why: str, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        say(why, err=True)
        say("null")
    else:
        print_rows([], columns.FRONT, output, empty=why)


def _print_best(study: str, row: BestGenerator, generator: Repeats | None) -> None:
    values = [(name, quantities.objective(name, value)) for name, value in row.objective_values.items()]
    shown = columns.of_study(study, row)
    print_facts([*values, *_spread(generator), *columns.facts(shown, columns.EVALUATION_FACTS)])
    say("\ntheta")
    print_table([{"name": name, "value": value} for name, value in row.theta.items()], columns.THETA)
    say("\ntrials")
    print_table(row.trials, columns.TRIALS)


def _spread(generator: Repeats | None) -> list[tuple[str, str]]:
    """Where the generator was sampled more than once."""
    if generator is None or generator.mean is None or generator.deviation is None:
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
