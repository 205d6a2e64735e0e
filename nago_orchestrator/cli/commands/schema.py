"""schema: the JSON Schema of the study file."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema of the study file, for editors and checks."""
    from nago_orchestrator.cli.output.tables import to_json
    from nago_orchestrator.spec import study_schema

    typer.echo(to_json(study_schema()))
