"""schema: the JSON Schema of the study file."""

from __future__ import annotations

from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import to_json
from nago_orchestrator.spec import study_schema


def schema() -> None:
    """Print the JSON Schema of the study file, for editors and validators."""
    say(to_json(study_schema()))
