from __future__ import annotations

import json

from tests.command_line import Run


def test_the_schema_is_json_and_describes_the_study_file(run: Run) -> None:
    schema = json.loads(run("schema").out)
    assert {"name", "search", "trainer"} <= schema["properties"].keys()
