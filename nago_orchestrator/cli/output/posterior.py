"""best --posterior: the generators of a study, ranked by posterior mean."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.cli.options import OutputFormat
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, Row, print_rows, print_table, to_json
from nago_orchestrator.formatting import quantities
from nago_orchestrator.search.posterior import GeneratorPosterior
from nago_orchestrator.services.posterior_ranking import PosteriorRanking

MOST_ROWS = 20
"""Of the table; JSON and CSV have all."""


def print_posterior(ranking: PosteriorRanking, output: OutputFormat) -> None:
    ranked, best = ranking.generators, ranking.observed_best
    rows = [_row(rank, own) for rank, own in enumerate(ranked, start=1)]
    sentence = verdict(ranking.objective, ranked[0], best)
    if output is OutputFormat.JSON:
        say(
            to_json(
                {
                    "study": ranking.study,
                    "objective": ranking.objective,
                    "fidelity": ranking.fidelity,
                    "problem": ranking.problem,
                    "chosen": ranked[0].found.proposals[0],
                    "observed_best": best.found.proposals[0],
                    "differs": best is not ranked[0],
                    "generators": rows,
                }
            )
        )
    elif output is OutputFormat.CSV:
        print_rows(rows, (), output, empty="")
    else:
        _print_table(ranking.objective, rows, ranked[0], sentence)
    if ranking.problem is not None:
        say(f"warning: the surrogate's fit is unreliable: {ranking.problem}", err=True)


def _row(rank: int, own: GeneratorPosterior) -> Row:
    found = own.found
    return {
        "rank": rank,
        "proposal": found.proposals[0],
        "proposals": found.proposals,
        "observed": own.observed,
        "posterior_mean": own.mean,
        "epistemic": own.epistemic,
        "aleatoric": own.aleatoric,
        "networks": found.networks,
        "deviation": found.deviation,
        "theta": dict(found.theta),
    }


def _print_table(objective: str, rows: Sequence[Row], chosen: GeneratorPosterior, sentence: str) -> None:
    def shown(value: float) -> str:
        return quantities.objective(objective, value)

    print_table(
        rows[:MOST_ROWS],
        (
            Column(key="rank", title="rank"),
            Column(key="proposal", title="proposal"),
            Column(key="observed", title=f"observed {objective}", show=shown),
            Column(key="posterior_mean", title="posterior mean", show=shown),
            Column(key="epistemic", title="epistemic std", show=shown),
            Column(key="aleatoric", title="aleatoric std", show=shown),
            Column(key="networks", title="networks"),
            Column(key="deviation", title="std of networks", show=shown),
        ),
    )
    if len(rows) > MOST_ROWS:
        say(f"and {len(rows) - MOST_ROWS:,} more: see -o json")
    say(f"\n{sentence}\n\ntheta of proposal {chosen.found.proposals[0]}")
    print_table([{"name": name, "value": value} for name, value in chosen.found.theta.items()], columns.THETA)


def verdict(objective: str, chosen: GeneratorPosterior, best: GeneratorPosterior) -> str:
    """`best`: of the generator that the command `best` names."""
    expected = quantities.objective(objective, chosen.mean)
    uncertainty = quantities.objective(objective, chosen.epistemic)
    first = f"best posterior mean: proposal {chosen.found.proposals[0]}, {objective} {expected} ± {uncertainty}"
    if best is chosen:
        return f"{first}; it is also the observed best"
    if best.observed is None:
        return first
    if best.observed == chosen.observed:
        return f"{first}; it equals the observed best (proposal {best.found.proposals[0]})"
    seen, predicted = (quantities.objective(objective, value) for value in (best.observed, best.mean))
    return f"{first}; observed best: proposal {best.found.proposals[0]}, observed {seen}, predicted {predicted}"
