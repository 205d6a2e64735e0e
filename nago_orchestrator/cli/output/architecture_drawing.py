"""Drawings of architectures as files: SVG, or PNG where Pillow is installed."""

from __future__ import annotations

from pathlib import Path

from nago_orchestrator.drawing.compose import compose
from nago_orchestrator.drawing.notes import network_notes
from nago_orchestrator.drawing.picture import Picture
from nago_orchestrator.drawing.png import picture_to_png
from nago_orchestrator.drawing.svg import picture_to_svg
from nago_orchestrator.errors import InputError
from nago_trainer.architecture import Architecture


def drawn(
    architecture: Architecture, title: str, *, nodes: int, parameters: int, memory: int | None, width: int | None
) -> Picture:
    """The three levels, with what is known of the network below the title."""
    notes = network_notes(nodes=nodes, parameters=parameters, memory=memory, width=width)
    return compose(architecture, title=title, notes=notes)


def write_picture(picture: Picture, file: Path, option: str) -> None:
    """Raises InputError, which names the option, for another type of file and where the file cannot be written."""
    try:
        if file.suffix.lower() == ".svg":
            file.write_text(picture_to_svg(picture), encoding="utf-8")
        elif file.suffix.lower() == ".png":
            file.write_bytes(picture_to_png(picture))
        else:
            raise InputError(f"{option} cannot write a file of this type: {file.name}", do="name a .svg or .png file")
    except OSError as error:
        raise InputError(f"cannot write the drawing: {error.strerror}", where=file) from error
    except ImportError as error:
        raise InputError("a PNG file needs the package pillow", do="pip install pillow, or name a .svg file") from error
