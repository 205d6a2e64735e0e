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


RUN, LOOK, GENERATORS, UPKEEP = "Run a study", "Results", "Generators", "Maintenance"

COMMANDS = (
    LazyCommand(name="submit", panel=RUN, help="Start or resume the study in a study file."),
    LazyCommand(
        name="pause", panel=RUN, help="Pause a study: running trials finish, no new ones start. Continue with `resume`."
    ),
    LazyCommand(
        name="resume", panel=RUN, help="Resume a study that was paused, interrupted or killed, or that failed."
    ),
    LazyCommand(
        name="cancel", panel=RUN, help="Cancel a study permanently: running trials are stopped, results are kept."
    ),
    LazyCommand(
        name="train-best",
        panel=RUN,
        help="Final training: train networks of the best, of each Pareto-optimal or of other generators and save them.",
    ),
    LazyCommand(
        name="serve",
        panel=RUN,
        help="Run all active studies until SIGTERM; running trials continue, and the next server adopts them.",
    ),
    LazyCommand(name="list", panel=LOOK, help="List all studies in the database.", function="list_studies"),
    LazyCommand(
        name="status",
        panel=LOOK,
        help="Show the state of a study: trials, best generator, resource use, and the process that runs it.",
    ),
    LazyCommand(name="trials", panel=LOOK, help="List the trials of a study by number."),
    LazyCommand(
        name="show",
        panel=LOOK,
        help="Show one trial with its theta, attempts and epochs; JSON also has the architecture.",
    ),
    LazyCommand(
        name="best",
        panel=LOOK,
        help="Show the best generator so far (by the first objective), its trials, and its networks of the "
        "final training.",
    ),
    LazyCommand(
        name="pareto",
        panel=LOOK,
        help="List the Pareto-optimal generators, and show their hypervolume.",
    ),
    LazyCommand(name="networks", panel=LOOK, help="List the saved networks of a study with their files."),
    LazyCommand(
        name="export-network",
        panel=LOOK,
        help="Write a trial's saved network as a file for programs without NAGO: ONNX, torch.export or safetensors.",
    ),
    LazyCommand(
        name="logs",
        panel=LOOK,
        help="Print the log of a trial's attempt, from its file or its pod, also while it runs.",
    ),
    LazyCommand(name="report", panel=LOOK, help="Write the report of a study: one HTML page that works offline."),
    LazyCommand(
        name="sample",
        panel=GENERATORS,
        help="Sample architectures from a theta: nodes, parameters, memory, and a drawing of the three levels.",
    ),
    LazyCommand(
        name="space",
        panel=GENERATORS,
        help="Survey a search space: ranges, duplicates, infeasible samples, and the distribution of nodes, "
        "parameters and memory.",
    ),
    LazyCommand(
        name="replay",
        panel=UPKEEP,
        help="List the evaluations in evaluation order, or verify that the seed reproduces the study.",
    ),
    LazyCommand(
        name="doctor",
        panel=UPKEEP,
        help="Check this installation, and a study's file, cluster and database, before anything is trained.",
    ),
    LazyCommand(
        name="data", panel=UPKEEP, help="Check or prepare the images of a study before it runs.", function="app"
    ),
    LazyCommand(
        name="schema", panel=UPKEEP, help="Print the JSON Schema of the study file, for editors and validators."
    ),
    LazyCommand(
        name="db", panel=UPKEEP, help="Check, upgrade, back up or restore the results database.", function="app"
    ),
)
