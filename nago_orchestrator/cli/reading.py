"""What every reading command does first: open the database, and find out which study or trial is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nago_orchestrator.errors import InputError, NotFoundError
from nago_orchestrator.paths import database_url
from nago_orchestrator.store.engine import OpenDatabase
from nago_orchestrator.store.queries import list_studies
from nago_orchestrator.store.versions import open_engine, refuse_missing_file


def known_database(option: str | None) -> str:
    """The address of `--database` for a command that creates none: a file must be there. Raises DatabaseError."""
    url = database_url(option)
    refuse_missing_file(url)
    return url


@contextmanager
def reading(option: str | None) -> Iterator[OpenDatabase]:
    """The database of `--database`, for as long as the context lasts. Raises DatabaseError."""
    engine = open_engine(known_database(option))
    try:
        yield engine
    finally:
        engine.dispose()


def chosen_study(engine: OpenDatabase, name: str | None) -> str:
    """The name given, or that of the only study. Raises NotFoundError without any, InputError with several."""
    if name is not None:
        return name

    names = [row.name for row in list_studies(engine)]
    if not names:
        raise NotFoundError("the database has no study yet", do="start one with `nago-orch submit study.yaml`")
    if len(names) > 1:
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        raise InputError(f"the database has {len(names)} studies", do=f"name one of {shown}")
    return names[0]


def named_study(name: str | None, url: str) -> str:
    """As `chosen_study`, for a command that reads nothing else."""
    if name is not None:
        return name
    with reading(url) as engine:
        return chosen_study(engine, None)


def chosen_trial(engine: OpenDatabase, text: str) -> tuple[str, int]:
    """Study and number of "digits/17", or of "17" in a database with one study. Raises InputError for another form."""
    study, slash, number = text.rpartition("/")
    if not number.isdecimal() or (slash and not study):
        raise InputError(f"{text!r} does not name a trial", do="write STUDY/NUMBER, for example digits/17")
    return chosen_study(engine, study or None), int(number)
