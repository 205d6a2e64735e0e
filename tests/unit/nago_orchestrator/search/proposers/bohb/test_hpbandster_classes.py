from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import nago_orchestrator.search.proposers.bohb.proposer
assert "statsmodels.api" not in sys.modules, "the stand-in was left behind"
print([name for name in ("statsmodels.nonparametric", "pandas", "hpbandster.core.nameserver") if name in sys.modules])
import statsmodels.api
print(statsmodels.api.OLS.__name__)
"""


@pytest.mark.slow
def test_only_what_is_needed_is_imported_and_statsmodels_stays_usable() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "OLS"]
