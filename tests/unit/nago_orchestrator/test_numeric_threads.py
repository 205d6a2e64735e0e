"""What a search computes does not depend on the number of processors."""

from __future__ import annotations

import json
import os
import subprocess
import sys

LOOK = """
import json, sys
import nago_orchestrator
assert "numpy" not in sys.modules, "OpenBLAS reads the number of its threads when it is loaded"
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
print(json.dumps([found["num_threads"] for found in threadpool_info() if found["internal_api"] == "openblas"]))
"""


def test_openblas_has_one_thread_whatever_the_environment_says() -> None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    ended = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == [1, 1], "numpy and scipy bring one each"
