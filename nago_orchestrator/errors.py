"""Every error that a user can see, and nothing else.

NagoError                   exit code 3
├── InputError              exit code 2: the study file, an option, a dataset, the database's address
│   ├── SpecError
│   ├── ImageStorageError   the images cannot be read for the moment
│   ├── DatabaseError       unreachable, read-only, full, locked, of another version
│   └── ReplacedError       the database's file was taken away under a running study
├── NotFoundError           exit code 4
├── HeldError               exit code 2: another orchestrator runs the study
│   └── TakenOverError      it does so since this one was silent for too long
├── ExecutorError           the place where attempts run cannot be used
└── StaleStateError         somebody else moved the row first
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nago_trainer.contract.error_text import error_text


class NagoError(Exception):
    """Its text is one sentence for the user: `<what is wrong> (<where>): <what to do>`; see `error_text`."""

    exit_code = 3

    def __init__(self, what: str, *, where: object = None, do: str | None = None) -> None:
        """`where`: a file, a line, a place in a database; `do`: what the user can do now."""
        self.what, self.where, self.do = what, where, do
        super().__init__(error_text(what, where=where, do=do))


class InputError(NagoError):
    exit_code = 2


class SpecError(InputError):
    """The study file is wrong."""


class ImageStorageError(InputError):
    """The storage of the images fails at this moment, from which nothing follows for the images."""


class DatabaseError(InputError):
    """The database cannot be used as it is."""


class ReplacedError(InputError):
    """Another file is where the database was, or none. No DatabaseError: waiting does not bring it back."""


class NotFoundError(NagoError):
    exit_code = 4


class HeldError(NagoError):
    """Another orchestrator holds the study."""

    exit_code = 2


class TakenOverError(HeldError):
    """Another orchestrator has taken the study from this one, whose writes are refused from then on."""


class ExecutorError(NagoError):
    """Attempts can be neither started nor seen: a folder without rights, a full disk, a process that does not start."""


class StaleStateError(NagoError):
    """The row was not in the expected state: somebody else moved it first."""


@contextmanager
def needing(extra: str, *, what: str) -> Iterator[None]:
    """Raises InputError where what is done within imports a library that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = f"{what} needs the package {error.name}, which is not installed"
        raise InputError(missing, do=f"pip install 'nago-orchestrator[{extra}]'") from error
