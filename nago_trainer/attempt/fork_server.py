"""A server that has torch loaded already and starts each attempt as a fork of itself: `nago-train warm`.

Reads JSON lines {"folder": PATH} on stdin. When an attempt's process ends it writes `exit.json` into its folder:
{"exit_code": n, or -n for signal n, "ended_at": ISO time with zone}. When stdin ends it waits for what still runs.

A fork is safe only while the server has one thread: it calls no torch operation, and its numpy has one thread.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from nago_trainer.attempt.folder_attempt import read_task, run_attempt
from nago_trainer.contract.attempt_files import EXIT_FILE, LOG_FILE
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.catalogue import images_stamp, load_images
from nago_trainer.data.images import ImageSet
from nago_trainer.log import log, log_traceback

STDIN = 0
RETRY_SECONDS = 1.0
"""Between two tries to write how an attempt ended."""


def serve() -> int:
    """Returns when stdin has ended and every attempt with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches the server too; its owner decides
    _load_everything()
    server = WarmServer()
    with _wakened_by_children() as wakeups, selectors.SelectSelector() as selector:
        lines = _Lines()
        selector.register(STDIN, selectors.EVENT_READ)
        selector.register(wakeups, selectors.EVENT_READ)
        while lines.open or server.children:
            for key, _ in selector.select(RETRY_SECONDS if server.unreported else None):
                if key.fileobj is wakeups:
                    wakeups.recv(4096)
                else:
                    for line in lines.read():
                        server.start(line)
            server.reap()
            if not lines.open and STDIN in {key.fd for key in selector.get_map().values()}:
                selector.unregister(STDIN)
    return ExitCode.DONE


class WarmServer:
    """The attempts that run, by process, and the images of the last dataset, which forks share without a copy."""

    def __init__(self) -> None:
        self.children: dict[int, Path] = {}
        self.unreported: dict[Path, int] = {}
        """Exit codes by folder that could not be written, e.g. because the disk is full."""
        self._images: dict[DatasetSettings, tuple[str | None, ImageSet]] = {}
        """With the stamp of their files when they were read."""

    def start(self, line: bytes) -> None:
        """A line without a folder is reported on stderr and dropped."""
        try:
            folder = Path(json.loads(line)["folder"])
        except (ValueError, TypeError, KeyError):
            log(f"ignored input, which names no folder: {line!r}")
            return
        self._preload(folder)
        try:
            child = os.fork()
        except OSError as error:
            log(f"cannot start the attempt in {folder}: {error.strerror}")
            self.unreported[folder] = ExitCode.NO_PROCESS
            return
        if child == 0:
            self._become_attempt(folder)
        self.children[child] = folder

    def reap(self) -> None:
        """Writes `exit.json` for every attempt that has ended; again at the next call where that fails."""
        while self.children:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                break
            folder = self.children.pop(child, None)
            code = os.waitstatus_to_exitcode(status)
            if folder is not None and code != ExitCode.BUSY:  # the process that has the attempt reports its own end
                self.unreported[folder] = code
        self.unreported = {folder: code for folder, code in self.unreported.items() if not write_exit(folder, code)}

    def _preload(self, folder: Path) -> None:
        """Reads a dataset once for all attempts, and again when a file was written to.

        An error occurs again in the attempt, which reports it.
        """
        with suppress(Exception):
            settings = read_task(folder).dataset
            held = self._images.pop(settings, None)  # not there any more where its files cannot be looked at
            stamp = images_stamp(settings)
            if held is not None and held[0] == stamp:
                self._images[settings] = held
                return
            self._images.clear()
            del held
            self._images[settings] = stamp, load_images(settings)
            gc.freeze()

    def _read_images(self, settings: DatasetSettings) -> ImageSet:
        return self._images[settings][1] if settings in self._images else load_images(settings)

    def _become_attempt(self, folder: Path) -> NoReturn:
        code = int(ExitCode.DEFECT)
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _redirect(folder)
            code = run_attempt(folder, self._read_images)
        except BaseException:  # noqa: BLE001  # nothing may return into the server's loop from here
            log_traceback()
        finally:
            with suppress(OSError):  # of a full disk, say; nor may that return into the server's loop
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def write_exit(folder: Path, code: int) -> bool:
    """Appears whole or not at all; False if it must be tried again. A folder that was removed needs none."""
    draft = folder / f"{EXIT_FILE}.draft"
    try:
        draft.write_text(
            json.dumps({"exit_code": int(code), "ended_at": datetime.now(UTC).isoformat()}), encoding="utf-8"
        )
        draft.replace(folder / EXIT_FILE)
    except OSError:
        with suppress(OSError):  # a server that is killed before the next try would leave it for ever
            draft.unlink(missing_ok=True)
        return not folder.is_dir()
    return True


class _Lines:
    """Lines of stdin as they arrive, without ever waiting for the rest of one."""

    def __init__(self) -> None:
        self.open = True
        self._rest = b""

    def read(self) -> Iterator[bytes]:
        chunk = os.read(STDIN, 65536)
        self.open = bool(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return (line for line in lines if line.strip())


def _wakened_by_children() -> socket.socket:
    """Becomes readable when a child ends."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader


def _redirect(folder: Path) -> None:
    """stdout and stderr into the attempt's log; nothing to read on stdin.

    A log that cannot be made is gone: whether the folder can be used for anything else, the attempt finds out.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, STDIN)
    try:
        log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError:
        log = os.dup(nothing)
    for target in (1, 2):
        os.dup2(log, target)
    os.close(log)
    os.close(nothing)


def _load_everything() -> None:
    """All that an attempt imports, before the first one comes."""
    for module in ("torch._dynamo", "nago_trainer.training.trial"):  # torch imports the first with its first optimizer
        import_module(module)
    gc.collect()
    gc.freeze()
