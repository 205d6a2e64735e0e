"""Is the results database ready: reachable, of this program's version, and open to trainers? For `nago-orch doctor`."""

from __future__ import annotations

from nago_orchestrator.domain.findings import Finding, ok, problem
from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import describe, parse, sqlite_path
from nago_orchestrator.store.trainer_rights import trainer_findings

CHECK = "database"


def database_findings(url: str, *, for_jobs: bool, parallelism: int | None = None) -> list[Finding]:
    """`for_jobs`: whether Jobs of a cluster write into it; only then their rights are looked at."""
    try:
        if for_jobs and sqlite_path(parse(url)) is not None:
            return [_file(url)]
        schema = _schema(url)
        if not for_jobs or versions.check(url).state is not versions.SchemaState.CURRENT:
            return [schema]
        return [schema, *trainer_findings(url, parallelism)]
    except DatabaseError as error:
        return [problem(CHECK, str(error), "check --database and NAGO_DATABASE_URL, and that the server runs")]


def _file(url: str) -> Finding:
    return problem(
        CHECK,
        f"trials on Kubernetes need PostgreSQL, and {describe(parse(url))} is a file",
        "give --database postgresql://... or NAGO_DATABASE_URL",
    )


def _schema(url: str) -> Finding:
    status = versions.check(url)
    shown = describe(parse(url))
    if status.empty and sqlite_path(parse(url)) is not None:
        return ok(CHECK, f"{shown}, empty: the first study creates the tables")
    if status.state is versions.SchemaState.CURRENT:
        return ok(CHECK, f"{shown}, schema {status.found}")
    found = f"has schema {status.found}" if status.found else "has no tables of NAGO"
    newer = status.state is versions.SchemaState.NEWER
    remedy = "upgrade nago-orchestrator" if newer else "run nago-orch db upgrade"
    return problem(CHECK, f"{shown} {found}, and this program needs {status.needed}", remedy)
