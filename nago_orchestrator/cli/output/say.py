"""The one place where a command writes text: what others wrote can do nothing to the terminal."""

from __future__ import annotations

import os
import sys

import typer

from nago_orchestrator.formatting.visible import visible, visible_line


def say(text: str = "", *, err: bool = False) -> None:
    """Lines to the output, or to the error stream."""
    typer.echo(visible(text), err=err)  # noqa: TID251  # the one place


def say_fact(label: str, value: str) -> None:
    """The label is ours, and dimmed on a terminal."""
    typer.echo(f"{typer.style(label, dim='NO_COLOR' not in os.environ)}  {visible(value)}")  # noqa: TID251  # the one place


def say_progress(line: str, *, last: bool) -> None:
    """Written over the line before, on the error stream; `last` ends it."""
    typer.echo(f"\r{visible_line(line)}", err=True, nl=last)  # noqa: TID251  # the one place


def say_page(page: str) -> None:
    """An HTML page, always in UTF-8 as the page itself says, whatever the stream's encoding is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(page.encode())
    sys.stdout.buffer.flush()
