"""The program `nago-orch`: all its commands, and how every error becomes one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from nago_orchestrator import __version__
from nago_orchestrator.cli.command_table import COMMANDS
from nago_orchestrator.cli.lazy_group import LazyGroup
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.errors import InputError, NagoError

UNEXPECTED = 1
"""Exit code of an error that nobody expected: a bug of this program."""

LONGEST_SENTENCE = 2000
"""Characters of an error."""
INTERRUPTED = 130
READER_GONE = 128 + 13
"""As of a program that SIGPIPE ended: `nago-orch trials | head`."""

HELP = """Neural architecture generator optimisation: search for the best network generator for your images.

    nago-orch submit study.yaml     start or resume a study

    nago-orch status --watch        watch its progress

    nago-orch best                  the best generator so far

    nago-orch report                the report, one HTML page
"""
EPILOG = (
    "Exit codes: 0 success, 1 a bug in nago-orch, 2 invalid input (study file, option, dataset, database), or another "
    "process is running the study, 3 the command failed: the study failed or its state does not allow it, or a check "
    "(doctor, replay --verify) found a problem, 4 no such study or trial, 130 interrupted."
)

app = typer.Typer(
    name="nago-orch",
    cls=LazyGroup,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in COMMANDS:
    app.command(_command.name, help=_command.help, rich_help_panel=_command.panel)(_command.stand_in)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"nago-orch {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code; no exception leaves it but SystemExit."""
    try:
        refuse_broken_text(sys.argv[1:] if arguments is None else arguments)
        app(args=None if arguments is None else list(arguments), prog_name="nago-orch")
    except NagoError as error:
        say(f"error: {shortened(str(error))}", err=True)
        sys.exit(error.exit_code)
    except SystemExit as end:
        sys.exit(_exit_code(end))
    except OSError as error:
        what = f"operating system error: {error.strerror or error}"
        say(f"error: {shortened(str(NagoError(what, where=error.filename, do=_keep(error))))}", err=True)
        sys.exit(NagoError.exit_code)
    except Exception as error:  # noqa: BLE001  # the last place where a bug can become a sentence
        what = shortened(f"bug in nago-orch: {type(error).__name__}: {error}".rstrip(": "))
        say(f"error: {NagoError(what, do=_keep(error))}", err=True)
        sys.exit(UNEXPECTED)
    sys.exit(0)


def refuse_broken_text(arguments: Sequence[str]) -> None:
    """Raises InputError for bytes that are no text: no database, and no stored study, could take them."""
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            shown = argument.encode("utf-8", "backslashreplace").decode().replace("\\udc", "\\x")
            raise InputError(f"the argument '{shown}' is not valid UTF-8", do="rename what it names, or correct it")


def shortened(sentence: str) -> str:
    """A sentence quotes what somebody gave, which may be of any length: its middle is left out."""
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    half = LONGEST_SENTENCE // 2
    return f"{sentence[:half]} […] {sentence[-half:]}"


def _exit_code(end: SystemExit) -> str | int | None:
    """Typer also ends with 1, which is a bug here, when its reader went away and when a question was not answered."""
    if isinstance(end.__context__, BrokenPipeError):
        return READER_GONE
    return INTERRUPTED if isinstance(end.__context__, typer.Abort) else end.code


def _keep(error: Exception) -> str | None:
    """What the user can do: read the traceback. None where it could not be saved."""
    from nago_orchestrator.cli.crash_log import keep_traceback  # here: only a failure needs it

    return keep_traceback(error, f"nago-orch {__version__} {' '.join(sys.argv[1:])}")
