"""Every command with its line in `nago-orch --help`; the module itself is imported when its command runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LazyCommand:
    name: str
    panel: str
    """The heading above it in the help."""
    help: str
    """The first paragraph of the command's own help; a test compares them."""
    function: str = ""
    """In the command's module, where it does not have the command's name."""

    @property
    def target(self) -> tuple[str, str]:
        """Module and attribute: a function, or a `typer.Typer` of sub-commands."""
        word = self.name.replace("-", "_")
        return f"nago_orchestrator.cli.commands.{word}", self.function or word

    def stand_in(self) -> None:
        """Registered in place of the command, which replaces it before anything is parsed."""


RUN, LOOK, GENERATORS, UPKEEP = "Run a study", "Look at results", "Generators", "Upkeep"

COMMANDS = (
    LazyCommand(name="submit", panel=RUN, help="Start the study of a study file; the same file again goes on with it."),
    LazyCommand(name="pause", panel=RUN, help="No new trials; those that run come to their end. Go on with `resume`."),
    LazyCommand(
        name="resume", panel=RUN, help="Go on with a study that was paused, interrupted, killed or has failed."
    ),
    LazyCommand(name="cancel", panel=RUN, help="End a study for good; what it has found stays."),
    LazyCommand(
        name="train-best",
        panel=RUN,
        help="Train networks of the best generator, or of each one of the Pareto front, in full and keep them.",
    ),
    LazyCommand(
        name="serve",
        panel=RUN,
        help="Run all active studies until SIGTERM; trials that run then go on, and the next server adopts them.",
    ),
    LazyCommand(name="list", panel=LOOK, help="All studies of the database.", function="list_studies"),
    LazyCommand(
        name="status", panel=LOOK, help="How a study stands: its trials, its best, what it has used, who runs it."
    ),
    LazyCommand(name="trials", panel=LOOK, help="The trials of a study, by number."),
    LazyCommand(
        name="show",
        panel=LOOK,
        help="One trial with its theta, its attempts and its epochs; JSON has the architecture too.",
    ),
    LazyCommand(
        name="best",
        panel=LOOK,
        help="The best generator so far, by the first objective, its trials, and its networks that were trained in "
        "full.",
    ),
    LazyCommand(
        name="pareto",
        panel=LOOK,
        help="The generators that no other one beats in every objective, and the hypervolume that they dominate.",
    ),
    LazyCommand(name="logs", panel=LOOK, help="What an attempt of a trial printed; while it runs, also from its pod."),
    LazyCommand(name="report", panel=LOOK, help="Everything about a study as one HTML page that needs no network."),
    LazyCommand(
        name="sample",
        panel=GENERATORS,
        help="Draw architectures of a theta: nodes, parameters, memory, a picture of the three levels.",
    ),
    LazyCommand(
        name="space",
        panel=GENERATORS,
        help="Describe a search space: ranges, duplicates, infeasible draws, and the spread of nodes, "
        "parameters and memory.",
    ),
    LazyCommand(name="replay", panel=UPKEEP, help="The evaluations in the order in which the search learned of them."),
    LazyCommand(
        name="doctor",
        panel=UPKEEP,
        help="Check this installation, and a study's cluster and database, before it costs anything.",
    ),
    LazyCommand(name="schema", panel=UPKEEP, help="Print the JSON Schema of the study file, for editors and checks."),
    LazyCommand(name="db", panel=UPKEEP, help="The results database.", function="app"),
)
