"""The commands of `nago-train`, one function each; all give the exit code."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from nago_trainer.attempt import data_check, fork_server
from nago_trainer.attempt.database_attempt import AttemptSettings, run_database_attempt
from nago_trainer.attempt.folder_attempt import run_attempt
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.json_form import build
from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.catalogue import describe, load_images, prepare_images, survey
from nago_trainer.data.survey import Look
from nago_trainer.errors import DataError

TERMINATED = 143
"""What shells and container runtimes make of SIGTERM."""


def run_folder(folder: Path) -> int:
    return run_attempt(folder.absolute(), load_images)


def run_from_database() -> int:
    """The attempt that the environment names. Raises TaskError."""
    settings = AttemptSettings.from_environment(os.environ)
    # torch names its cache after a user and a home, which a container's user may not have.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(settings.scratch / "torchinductor"))
    return run_database_attempt(settings, os.environ, load_images)


def serve_forks() -> int:
    return fork_server.serve()


def describe_data() -> int:
    """Raises DataError."""
    try:
        question = json.load(sys.stdin)
        name, path = str(question["name"]), question.get("path")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError("invalid input of describe-data", do='write {"name": NAME, "path": PATH} to stdin') from error
    json.dump(describe(name, path).to_json(), sys.stdout)
    sys.stdout.write("\n")
    return ExitCode.DONE


def prepare_data() -> int:
    """Raises DataError or StorageError."""
    try:
        settings = build(DatasetSettings, json.load(sys.stdin))
    except ValueError as error:
        raise DataError("invalid input of prepare-data", do="write the settings of a dataset to stdin") from error
    json.dump(prepare_images(settings, os.environ), sys.stdout)
    sys.stdout.write("\n")
    return ExitCode.DONE


def check_data_as_job() -> int:
    # Process 1 of a container is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(TERMINATED))
    return data_check.check_data(os.environ)


def check_data() -> int:
    """Raises DataError."""
    try:
        question = json.load(sys.stdin)
        kept, since = question.pop("kept", None), question.pop("since", None)
        source = DataSource.from_json(question)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            "invalid input of check-data",
            do='write {"name": NAME, "path": PATH, "validation_fraction": FRACTION, "kept": FILE, "since": DIGEST}',
        ) from error
    json.dump(survey(source, Look(kept=Path(kept) if kept else None, since=since)).to_json(), sys.stdout)
    sys.stdout.write("\n")
    return ExitCode.DONE
