"""Creates, watches and deletes Jobs, so many at a time, and nothing else: what the cluster itself allows.

`python -m benchmarks.jobs.bare ADDRESS TOKEN AUTHORITY FILE IN_FLIGHT`: the file holds a Job on each line. Prints the
seconds from the first creation to the last deletion.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.jobs.api import Api, Object
from benchmarks.jobs.control_plane import NAMESPACE

WORKERS = 8
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


def run(api: Api, jobs: list[Object], in_flight: int) -> float:
    """Seconds for all of them."""
    waiting = iter(jobs)
    left = len(jobs)
    following = api.follow(JOBS)
    done: set[str] = set()

    def next_one() -> None:
        job = next(waiting, None)
        if job is not None:
            api.post(JOBS, job)

    def replace(job: Object) -> None:
        body = {"propagationPolicy": "Background", "preconditions": {"uid": job["metadata"]["uid"]}}
        api.delete(f"{JOBS}/{job['metadata']['name']}", body)
        next_one()

    began = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(in_flight):
            pool.submit(next_one)
        while left:
            kind, job = next(following)
            left -= kind == "DELETED"
            if kind != "DELETED" and job["metadata"]["uid"] not in done and _is_over(job):
                done.add(job["metadata"]["uid"])
                pool.submit(replace, job)
    return time.monotonic() - began


def _is_over(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(found["type"] in ("Complete", "Failed") and found["status"] == "True" for found in conditions)


def main(address: str, token: str, authority: str, file: str, in_flight: str) -> None:
    jobs = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    print(run(Api(address, token, Path(authority)), jobs, int(in_flight)))


if __name__ == "__main__":
    main(*sys.argv[1:])
