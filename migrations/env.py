"""Runs the migrations on the connection that `nago_orchestrator.store.versions` opened, in its transaction.

For `alembic` on the command line (a new revision, a check) the database is the one of NAGO_DATABASE_URL.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from nago_orchestrator.store.engine import connect, writing
from nago_orchestrator.store.schema import metadata
from nago_orchestrator.store.versions import VERSION_TABLE


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        compare_type=True,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with writing(connect(os.environ["NAGO_DATABASE_URL"])) as opened:
        _run(opened)
