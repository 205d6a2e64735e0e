"""A trainer with a login to the database, of an attempt that nobody knows, tries what it can and holds what it gets."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from nago_orchestrator.domain.credentials import derive
from nago_orchestrator.executors.kubernetes.manifest.secret import address_for
from nago_orchestrator.store import logins
from tests import processes
from tests.chaos.course import Done, NoTargetError
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene
from tests.hostile import program


def let_in(scene: Scene, disturbance: Disturbance) -> Done:
    if scene.database.server is None or not scene.database.may_answer():
        raise NoTargetError
    engine, address = scene.database.engine, scene.database.server.address
    until = datetime.now(UTC) + timedelta(days=1)
    try:
        with engine.begin() as connection:
            made = derive(b"hostile", str(disturbance), role_prefix=logins.prefix(connection), valid_until=until)
            assert made.login is not None
            logins.give(connection, made.login)
    except SQLAlchemyError:
        raise NoTargetError from None
    login = made.login
    process = processes.start(
        (sys.executable, program.__file__, str(disturbance.seconds)),
        env={**os.environ, "NAGO_DATABASE_URL": address_for(address, login.role, login.password)},
        start_new_session=True,
    )

    def undo() -> None:
        process.kill()
        process.wait()
        logins.remove(engine, login.role)

    return Done(login.role, undo)
