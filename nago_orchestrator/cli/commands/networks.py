"""networks: the trained networks of a study that were saved, and their files."""

from __future__ import annotations

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output.kept_networks import NETWORKS, print_networks
from nago_orchestrator.cli.output.tables import print_rows
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.services.kept_networks import found_networks


def networks(name: StudyName = None, output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """List the saved networks of a study with their files."""
    url = known_database(database)
    with reading(database) as engine:
        study = chosen_study(engine, name)
        rows = found_networks(engine, url, study)
    if rows and output is OutputFormat.TABLE:
        print_networks(rows)
    else:
        empty = f"the study {study} has no saved network: `nago-orch train-best` and trainer.keep_networks save them"
        print_rows(rows, NETWORKS, output, empty=empty)
