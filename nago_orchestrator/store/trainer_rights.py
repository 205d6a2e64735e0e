"""What PostgreSQL lets the trainers do, and how many of them: read from its catalogue, judged without it.

The role `nago_trainer` is to call three functions (migration 0003) and to have no other right. Called by `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from nago_orchestrator.domain.findings import Finding, ok, problem, warning
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import connect, describe, parse
from nago_orchestrator.store.schema import metadata

ROLE = "nago_trainer"
FUNCTIONS = ("nago_read_task(text, text)", "nago_add_epoch(text, text, jsonb)", "nago_add_result(text, text, jsonb)")
OWN_CONNECTIONS = 10
"""Of the orchestrator, at most."""
_POWERS = {
    "rolsuper": "is a superuser",
    "rolcreaterole": "may create roles",
    "rolcreatedb": "may create databases",
    "rolbypassrls": "may pass by row security",
}
_MEMBERS = """
SELECT mine.rolname FROM pg_catalog.pg_auth_members AS membership
JOIN pg_catalog.pg_roles AS mine ON mine.oid = membership.member
JOIN pg_catalog.pg_roles AS given ON given.oid = membership.roleid
WHERE given.rolname = :role AND mine.rolname <> current_user
ORDER BY 1
"""
"""Without ourselves: who creates a role may be made a member of it."""
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    name: str
    can_login: bool = False
    connection_limit: int = -1
    """-1: none."""
    excess: tuple[str, ...] = ()
    """What it may do beyond calling the functions, each ready to follow its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerRights:
    role: RoleFacts | None
    uses_schema: bool = False
    functions: Mapping[str, bool | None] = field(default_factory=dict)
    """Whether the role may call each; None: there is no such function."""
    members: tuple[RoleFacts, ...] = ()
    """Roles that have its rights: the trainers' users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    allowed: int
    """Those that are reserved for superusers left out."""
    in_use: int


def trainer_findings(url: str, parallelism: int | None) -> list[Finding]:
    """Of a PostgreSQL database with our schema. Raises DatabaseError if it cannot be asked."""
    engine = connect(url)
    try:
        with translated(describe(parse(url))), engine.connect() as connection:
            rights, connections = read_rights(connection), read_connections(connection)
    finally:
        engine.dispose()
    return [*judge_rights(rights, parallelism), judge_connections(connections, parallelism)]


def judge_rights(rights: TrainerRights, parallelism: int | None = None) -> Iterator[Finding]:
    check = f"role {ROLE}"
    if rights.role is None:
        yield problem(check, "there is no such role", f"run CREATE ROLE {ROLE} NOLOGIN and nago-orch db upgrade")
        return
    refused = [signature for signature in FUNCTIONS if not rights.functions.get(signature)]
    if refused or not rights.uses_schema:
        what = f"call {', '.join(name.partition('(')[0] for name in refused)}" if refused else "use the tables' schema"
        missing = any(rights.functions.get(signature) is None for signature in refused)
        remedy = "run nago-orch db upgrade" if missing else f"grant it to {ROLE} as migration 0003 does"
        yield problem(check, f"may not {what}: trainers cannot read their tasks", remedy)
    else:
        yield ok(check, "may read tasks, and add epochs and results")
    yield from _excess((rights.role, *rights.members))
    yield from _members(rights.members, parallelism)


def judge_connections(connections: Connections, parallelism: int | None) -> Finding:
    left = max(0, connections.allowed - connections.in_use)
    detail = f"{connections.in_use} of {connections.allowed} in use"
    if parallelism is None:
        return ok("connections", detail)
    wanted = parallelism + OWN_CONNECTIONS
    detail = f"{detail}; {counted(parallelism, 'parallel trial')} and the orchestrator need up to {wanted}"
    if left >= wanted:
        return ok("connections", detail)
    remedy = "raise max_connections, put PgBouncer in front (pool_mode transaction), or lower execution.parallelism"
    return (warning if left > OWN_CONNECTIONS else problem)("connections", detail, remedy)


def _excess(roles: Sequence[RoleFacts]) -> Iterator[Finding]:
    for role in roles:
        if role.excess:
            yield warning(
                f"user {role.name}" if role.can_login else f"role {role.name}",
                f"may do more than a trainer needs: {role.excess[0]}"
                + (f" (and {len(role.excess) - 1} more)" if len(role.excess) > 1 else ""),
                f"revoke the privilege, or give the trainers another user: CREATE ROLE ... LOGIN IN ROLE {ROLE}",
            )


def _members(members: Sequence[RoleFacts], parallelism: int | None) -> Iterator[Finding]:
    users = [member for member in members if member.can_login]
    if not users:
        yield problem(
            "trainers' user",
            f"no user has the role {ROLE}",
            f"run CREATE ROLE nago_job LOGIN PASSWORD '...' IN ROLE {ROLE}, and store its address in the Secret",
        )
        return
    limited = [user for user in users if 0 <= user.connection_limit < (parallelism or 0)]
    if limited:
        yield warning(
            "trainers' user",
            f"{limited[0].name} may have {limited[0].connection_limit} connections for {parallelism} parallel trials",
            f"run ALTER ROLE {limited[0].name} CONNECTION LIMIT {parallelism}",
        )
    else:
        yield ok("trainers' user", ", ".join(user.name for user in users))


def read_rights(connection: Connection) -> TrainerRights:
    if not _scalar(connection, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :role)", role=ROLE):
        return TrainerRights(role=None)
    members = connection.execute(text(_MEMBERS), {"role": ROLE}).scalars()
    return TrainerRights(
        role=_role(connection, ROLE),
        uses_schema=bool(_of_schema(connection, "has_schema_privilege(:role, pg_namespace.oid, 'USAGE')", ROLE)),
        functions={signature: _may_call(connection, signature) for signature in FUNCTIONS},
        members=tuple(_role(connection, name) for name in members),
    )


def read_connections(connection: Connection) -> Connections:
    allowed, reserved = (
        int(_scalar(connection, "SELECT current_setting(:name)", name=name))
        for name in ("max_connections", "superuser_reserved_connections")
    )
    of_database = int(
        _scalar(connection, "SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = current_database()")
    )
    others = _scalar(
        connection,
        "SELECT count(*) FROM pg_catalog.pg_stat_activity"
        " WHERE datname IS NOT NULL AND pid <> pg_backend_pid() AND (datname = current_database() OR :all)",
        all=of_database < 0,
    )
    free = allowed - reserved
    return Connections(allowed=free if of_database < 0 else min(free, of_database), in_use=int(others))


def _role(connection: Connection, name: str) -> RoleFacts:
    row = connection.execute(
        text(
            "SELECT rolcanlogin, rolconnlimit, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls"
            " FROM pg_catalog.pg_roles WHERE rolname = :role"
        ),
        {"role": name},
    ).one()
    powers = tuple(words for column, words in _POWERS.items() if getattr(row, column))
    excess = powers if row.rolsuper else (*powers, *_rights_in_schema(connection, name))
    return RoleFacts(name=name, can_login=row.rolcanlogin, connection_limit=row.rolconnlimit, excess=excess)


def _rights_in_schema(connection: Connection, role: str) -> Iterator[str]:
    for table in metadata.sorted_tables:
        for right in _RIGHTS:
            if _scalar(
                connection,
                "SELECT has_table_privilege(:role, :table, :right)",
                role=role,
                table=table.name,
                right=right,
            ):
                yield f"{right} on the table {table.name}"
    if _of_schema(connection, "has_schema_privilege(:role, pg_namespace.oid, 'CREATE')", role):
        yield "create objects in the tables' schema"


def _may_call(connection: Connection, signature: str) -> bool | None:
    found = _scalar(
        connection,
        "SELECT has_function_privilege(:role, to_regprocedure(:signature), 'EXECUTE')",
        role=ROLE,
        signature=signature,
    )
    return None if found is None else bool(found)


def _of_schema(connection: Connection, expression: str, role: str) -> Any:
    """An expression over the schema in which the tables are."""
    return _scalar(
        connection,
        f"SELECT {expression} FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = pg_catalog.to_regclass('attempt')",
        role=role,
    )


def _scalar(connection: Connection, statement: str, **values: Any) -> Any:
    return connection.execute(text(statement), values).scalar()
