"""`nago-train`: executes attempts, and checks datasets before a study starts."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from nago_trainer import __version__
from nago_trainer.contract.error_text import error_text
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.deployment import options as deployment_options
from nago_trainer.deployment.output import printed
from nago_trainer.errors import TrainerError
from nago_trainer.log import log

EXIT_CODES = """exit codes:
  0   success
  3   the network cannot be trained here (out of memory even with the smallest batch)
  64  invalid task, dataset or option
  69  the database does not answer
  70  a bug; the traceback is on stderr. Of export: the file does not match the network
  71  the machine cannot start another process
  74  the attempt's folder or an output file is not writable, or the storage of the images fails
  75  another process has claimed the attempt, or its result is no longer needed
  85  ended by SIGTERM; the next attempt resumes from the checkpoint"""


INSTALL = "pip install 'nago-orchestrator[trainer]'"
INSTALL_EXPORT = "pip install 'nago-orchestrator[export]'"
EXPORTING = ("onnx", "onnxruntime", "onnxscript")
SAVED_NETWORKS = {
    "predict": (deployment_options.add_predict, "classify image files with a saved network"),
    "evaluate": (deployment_options.add_evaluate, "measure a saved network on a folder of labelled images"),
    "export": (deployment_options.add_export, "write a saved network as a file for programs without NAGO"),
}
"""Commands that are modules of `nago_trainer.deployment`: their options and their line of help."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.BAD_TASK, f"error: {error_text(message, do=f'see {self.prog} --help')}\n")


def main(arguments: list[str] | None = None) -> int:
    """The exit code; see `ExitCode`."""
    # Before anything loads numpy: the fork server may have one thread only, and a trial's threads are those of torch.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = _parser().parse_args(arguments)
    try:
        if options.command in SAVED_NETWORKS:
            module = import_module(f"nago_trainer.deployment.{options.command}")  # after the variable is set
            return printed(lambda: int(getattr(module, options.command)(options)))

        from nago_trainer.attempt import commands  # after the variable is set, since this loads numpy

        if options.command == "run":
            return commands.run_folder(options.folder) if options.folder else commands.run_from_database()
        if options.command == "check-data" and options.job:
            return commands.check_data_as_job()
        without_options = {
            "warm": commands.serve_forks,
            "describe-data": commands.describe_data,
            "check-data": commands.check_data,
            "prepare-data": commands.prepare_data,
        }
        return without_options[options.command]()
    except TrainerError as error:
        log(f"error: {error}")
        return error.exit_code
    except ModuleNotFoundError as error:
        package = (error.name or str(error)).partition(".")[0]
        task = options.command if options.command in SAVED_NETWORKS else "training"
        missing = f"{task} needs the package {package}, which is not installed"
        log(f"error: {error_text(missing, do=INSTALL_EXPORT if package in EXPORTING else INSTALL)}")
        return ExitCode.BAD_TASK


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nago-train",
        description="Trains one network (NAGO starts it once for each attempt of a trial), and uses saved ones.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nago-train {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="execute the attempt in FOLDER, or the one that the environment variable NAGO_ATTEMPT names"
    )
    run.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="has task.json, receives report.jsonl; without it the task is read from the database NAGO_DATABASE_URL",
    )
    commands.add_parser(
        "warm",
        help='fork server: load torch once, then fork a process for each attempt, a line {"folder": PATH} on stdin',
    )
    commands.add_parser(
        "describe-data",
        help='read {"name": NAME, "path": PATH} from stdin, check this dataset and print its description',
    )
    check = commands.add_parser(
        "check-data",
        help='read {"name": NAME, "path": PATH, "validation_fraction": FRACTION, "kept": FILE} from stdin, examine '
        "every image, and print how many there are, what is left out and what is broken; FILE keeps what was found",
    )
    commands.add_parser(
        "prepare-data",
        help="read the settings of a dataset from stdin as JSON, decode and resize its images once, and print where",
    )
    check.add_argument(
        "--job",
        action="store_true",
        help="in a cluster: the question is in the environment, and the answer is the termination message",
    )
    for name, (add_options, told) in SAVED_NETWORKS.items():
        add_options(commands.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}."))
    return parser


if __name__ == "__main__":
    sys.exit(main())
