"""One command in this process, and what is wrong with how it ended."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from nago_orchestrator.cli.app import LONGEST_SENTENCE, UNEXPECTED, main

BOUND_SECONDS = 120
"""Of a command that answers at once, on a machine of which others want all."""
LONGEST_MESSAGE = 20 * LONGEST_SENTENCE
KNOWN_CODES = (0, 2, 3, 4, 130)


class TooLongError(BaseException):
    """No Exception: the program has a sentence for those."""


@contextlib.contextmanager
def bounded(seconds: int) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def finding(arguments: Sequence[str], standard_input: bytes = b"") -> str | None:
    """What no user should see; None where the command ended as it should, whether it did anything or refused."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(standard_input))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), bounded(BOUND_SECONDS):
            main(arguments)
    except SystemExit as end:
        code = end.code
    except TooLongError:
        return f"took longer than {BOUND_SECONDS} s"
    except BaseException as error:  # noqa: BLE001  # whatever leaves `main` is a finding
        return f"left the program: {type(error).__name__}: {error}"
    finally:
        sys.stdin = before
    said = [_text(stream) for stream in (out, err)]
    return _wrong_end(code, *said)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    return buffer.getvalue().decode("utf-8", "replace") if isinstance(buffer, io.BytesIO) else ""


def _wrong_end(code: object, out: str, err: str) -> str | None:
    if code == UNEXPECTED or "bug in nago-orch" in err:
        return f"a bug: {err.strip()[:600]}"
    if "Traceback (most recent" in out + err:
        return "a traceback"
    if code not in KNOWN_CODES:
        return f"exit code {code}"
    if code == 2 and not err.strip():
        return "refused without a word"
    return f"{len(err):,} characters of an error" if len(err) > LONGEST_MESSAGE else None
