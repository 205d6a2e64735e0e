"""`nago-train`: runs trials, and looks at datasets before a study starts."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from nago_trainer import __version__
from nago_trainer.contract import ExitCode
from nago_trainer.errors import TrainerError

EXIT_CODES = """exit codes:
  0   done
  3   the network cannot be trained here (out of memory with one image at a time)
  64  the task, the dataset or an option is wrong
  70  a bug; the traceback is on stderr
  75  another process has already claimed the attempt"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.BAD_TASK, f"{message}: see {self.prog} --help\n")


def main(arguments: list[str] | None = None) -> int:
    """The exit code; see `ExitCode`."""
    # Before anything loads numpy: the warm server may have one thread only, and a trial's threads are those of torch.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            return _run(options.folder)
        return _warm() if options.command == "warm" else _describe_data()
    except TrainerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nago-train",
        description="Trains one sampled network.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nago-train {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the attempt in FOLDER: task.json -> report.jsonl")
    run.add_argument("folder", type=Path, metavar="FOLDER")
    commands.add_parser("warm", help='load torch once, then fork an attempt for each line {"folder": PATH} on stdin')
    commands.add_parser("describe-data", help='check the dataset {"name", "path"} given on stdin, and describe it')
    return parser


def _run(folder: Path) -> int:
    from nago_trainer.attempt import run_attempt
    from nago_trainer.data.catalogue import load_images

    return run_attempt(folder.absolute(), load_images)


def _warm() -> int:
    from nago_trainer.warm import serve

    return serve()


def _describe_data() -> int:
    """Raises DataError."""
    from nago_trainer.data.catalogue import describe
    from nago_trainer.errors import DataError

    try:
        question = json.load(sys.stdin)
        name, path = str(question["name"]), question.get("path")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError('describe-data reads {"name": ..., "path": ...} on stdin') from error
    json.dump(describe(name, path).to_json(), sys.stdout)
    sys.stdout.write("\n")
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
