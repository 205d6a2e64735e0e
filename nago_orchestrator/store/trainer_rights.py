"""What PostgreSQL lets the trainers do, and how many of them: read from its catalogue, judged without it.

The role `nago_trainer` is to call the functions of the migrations 0003 and 0011 and to have no other right. Each
attempt gets a login that is a member of it, which our own user has to be able to make. Called by `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from nago_orchestrator.domain.findings import Finding, ok, problem, warning
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.store import engine, lease_connections, logins
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import connect, describe, parse
from nago_orchestrator.store.schema import metadata
from nago_trainer.contract.attempt_files import LOGIN_PREFIX

ROLE = "nago_trainer"
FUNCTIONS = (
    "nago_read_task()",
    "nago_add_epoch(jsonb)",
    "nago_add_result(jsonb)",
    "nago_read_task(text, text)",
    "nago_add_epoch(text, text, jsonb)",
    "nago_add_result(text, text, jsonb)",
)
"""The latter three: for trainers of older images."""
OWN_CONNECTIONS = engine.CONNECTIONS + lease_connections.CONNECTIONS
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
WHERE given.rolname = :role AND NOT membership.admin_option AND mine.rolname <> current_user
AND NOT starts_with(mine.rolname::text, :attempts)
ORDER BY 1
"""
"""Without those who may pass it on, such as we ourselves, and without the logins of attempts."""
_MAKES_LOGINS = """
SELECT rolsuper OR (rolcreaterole AND (
    current_setting('server_version_num')::integer < 160000
    OR pg_has_role(current_user, :role, 'USAGE WITH ADMIN OPTION')
)) FROM pg_catalog.pg_roles WHERE rolname = current_user
"""
"""From version 16 on, a role with CREATEROLE can grant only roles that it has with ADMIN OPTION."""
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    name: str
    can_login: bool = False
    excess: tuple[str, ...] = ()
    """What it may do beyond calling the functions, each ready to follow its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerRights:
    role: RoleFacts | None
    uses_schema: bool = False
    functions: Mapping[str, bool | None] = field(default_factory=dict)
    """Whether the role may call each; None: there is no such function."""
    members: tuple[RoleFacts, ...] = ()
    """Roles that have its rights, without the logins of attempts: users that trainers of the version before share."""
    user: str = ""
    """Our own, quoted."""
    makes_logins: bool = False
    """Whether that user may make logins with its rights."""
    open_schema: str | None = None
    """The tables' schema, if trainers may create objects in it."""
    prepared_transactions: int = 0
    """How many the server keeps beyond their session."""


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
    return [*judge_rights(rights), judge_connections(connections, parallelism)]


def judge_rights(rights: TrainerRights) -> Iterator[Finding]:
    check = f"role {ROLE}"
    if rights.role is None:
        yield problem(check, "there is no such role", f"run CREATE ROLE {ROLE} NOLOGIN and nago-orch db upgrade")
        return
    refused = [signature for signature in FUNCTIONS if not rights.functions.get(signature)]
    if refused or not rights.uses_schema:
        what = f"call {', '.join(name.partition('(')[0] for name in refused)}" if refused else "use the tables' schema"
        missing = any(rights.functions.get(signature) is None for signature in refused)
        remedy = "run nago-orch db upgrade" if missing else f"grant it to {ROLE} as the migrations 0003 and 0011 do"
        yield problem(check, f"may not {what}: trainers cannot read their tasks", remedy)
    else:
        yield ok(check, "may read tasks, and add epochs and results")
    yield from _excess((rights.role, *rights.members))
    yield from _logins(rights)
    yield from _server(rights)


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
                "revoke the privilege",
            )


def _logins(rights: TrainerRights) -> Iterator[Finding]:
    check = "trainers' logins"
    if not rights.makes_logins:
        yield problem(check, "this user may not make them: no trial can start", logins.remedy())
        return
    yield ok(check, "one is made for each attempt, and removed at its end")
    shared = [member.name for member in rights.members if member.can_login]
    if shared:
        yield warning(
            check,
            f"shared by trainers of older versions: {', '.join(shared)}",
            f"once no attempt that an older version began is running, run DROP ROLE {', '.join(shared)}",
        )


def _server(rights: TrainerRights) -> Iterator[Finding]:
    """What would let a trainer reach beyond its own attempt."""
    if rights.open_schema is not None:
        yield problem(
            f"schema {rights.open_schema}",
            "every role may create objects in it, so a trainer could shadow functions that the orchestrator calls",
            f"let an administrator run REVOKE CREATE ON SCHEMA {rights.open_schema} FROM PUBLIC, and"
            f" GRANT ALL ON SCHEMA {rights.open_schema} TO {rights.user}",
        )
    if rights.prepared_transactions:
        yield warning(
            "prepared transactions",
            "a trainer could leave one behind, which holds its trial until an administrator ends it",
            "set max_prepared_transactions to 0, unless another program needs them",
        )


def read_rights(connection: Connection) -> TrainerRights:
    if not _scalar(connection, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :role)", role=ROLE):
        return TrainerRights(role=None)
    members = connection.execute(text(_MEMBERS), {"role": ROLE, "attempts": LOGIN_PREFIX}).scalars()
    schema = _of_schema(connection, "quote_ident(nspname)") if _creates(connection, "public") else None
    return TrainerRights(
        role=_role(connection, ROLE),
        uses_schema=bool(_of_schema(connection, "has_schema_privilege(:role, pg_namespace.oid, 'USAGE')", role=ROLE)),
        functions={signature: _may_call(connection, signature) for signature in FUNCTIONS},
        members=tuple(_role(connection, name) for name in members),
        user=str(_scalar(connection, "SELECT quote_ident(current_user)")),
        makes_logins=bool(_scalar(connection, _MAKES_LOGINS, role=ROLE)),
        open_schema=schema,
        prepared_transactions=int(_scalar(connection, "SELECT current_setting('max_prepared_transactions')")),
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
            "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls"
            " FROM pg_catalog.pg_roles WHERE rolname = :role"
        ),
        {"role": name},
    ).one()
    powers = tuple(words for column, words in _POWERS.items() if getattr(row, column))
    excess = powers if row.rolsuper else (*powers, *_rights_in_schema(connection, name))
    return RoleFacts(name=name, can_login=row.rolcanlogin, excess=excess)


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
    if _creates(connection, role) and not _creates(connection, "public"):
        yield "create objects in the tables' schema"


def _may_call(connection: Connection, signature: str) -> bool | None:
    found = _scalar(
        connection,
        "SELECT has_function_privilege(:role, to_regprocedure(:signature), 'EXECUTE')",
        role=ROLE,
        signature=signature,
    )
    return None if found is None else bool(found)


def _creates(connection: Connection, role: str) -> bool:
    """Whether a role, or `public` for everybody, may create objects beside the tables."""
    return bool(_of_schema(connection, "has_schema_privilege(:role, pg_namespace.oid, 'CREATE')", role=role))


def _of_schema(connection: Connection, expression: str, **values: str) -> Any:
    """An expression over the schema in which the tables are."""
    return _scalar(
        connection,
        f"SELECT {expression} FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = pg_catalog.to_regclass('attempt')",
        **values,
    )


def _scalar(connection: Connection, statement: str, **values: Any) -> Any:
    return connection.execute(text(statement), values).scalar()
