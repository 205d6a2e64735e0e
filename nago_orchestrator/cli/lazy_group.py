"""A group of commands that imports a command's module only when the command is meant.

`--help` and the completion of command names are answered from the table; so they do not wait for the imports that stand
at the head of the commands' modules. Typer has no such group, click's documentation sketches one.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from nago_orchestrator.cli.command_table import COMMANDS, LazyCommand


class LazyGroup(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Typer's, but with the command itself in place of its stand-in."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        command = next((command for command in COMMANDS if command.name == name), None)
        return name, stand_in if command is None else load(command, self.rich_markup_mode), rest


def load(command: LazyCommand, markup: Any = None) -> Any:
    """The command as Typer runs it; imports its module. `markup`: Typer's mode for its help."""
    module, attribute = command.target
    found = getattr(import_module(module), attribute)
    holder = typer.Typer(add_completion=False, rich_markup_mode=markup)
    holder.callback()(_nothing)  # else Typer makes no group of a single command
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=command.name)
    else:
        holder.command(command.name)(found)
    return typer.main.get_group(holder).commands[command.name]


def _nothing() -> None:
    pass
