"""Runs commands of `nago-orch` one after the other: libraries are loaded, and fits compiled, once for all of them.

Each argument is a command, its words apart by spaces. All are run; those that fail are named in the end.
"""

from __future__ import annotations

import sys

from nago_orchestrator.__main__ import main

failed = []
for command in sys.argv[1:]:
    sys.argv = ["nago-orch", *command.split()]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            failed.append(f"{command}: exit code {ended.code}")
sys.exit("\n".join(failed) or 0)
