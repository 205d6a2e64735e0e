"""The options of the commands for saved networks; nothing here needs torch."""

from __future__ import annotations

import argparse
from pathlib import Path

EXPORTS = ("onnx", "pt2", "safetensors")
FORMS = ("table", "csv", "json")
SHOWN = 3
"""Classes of each image in a table, unless told otherwise."""


def add_predict(parser: argparse.ArgumentParser) -> None:
    _add_network(parser)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="image files")
    _add_output(parser)
    parser.add_argument(
        "-k", "--top", type=_count, default=SHOWN, metavar="K", help=f"classes of each image (default {SHOWN})"
    )


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_network(parser)
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="one subfolder of images per class, named after the class"
    )
    _add_output(parser)


def add_export(parser: argparse.ArgumentParser) -> None:
    _add_network(parser)
    parser.add_argument(
        "--format",
        choices=EXPORTS,
        required=True,
        help="required: onnx, pt2 (torch.export) or safetensors (weights only)",
    )
    parser.add_argument(
        "-O", "--output", dest="output_file", type=Path, metavar="FILE", help="default: NETWORK.FORMAT in this folder"
    )
    parser.add_argument(
        "--with-preprocessing", action="store_true", help="the file takes bytes of any size: it resizes and normalises"
    )
    parser.add_argument("--trial", metavar="STUDY/NUMBER", help="refuse a network that another trial saved")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "network", type=Path, metavar="NETWORK", help="file of a saved network; `nago-orch networks` lists them"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=FORMS, default=FORMS[0], help="form of the output (default table)")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
