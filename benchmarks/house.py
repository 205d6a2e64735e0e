"""How well the code keeps house: what a reader would stumble over, counted.

`python -m benchmarks.house` prints one JSON line per figure and ends with 1 if a goal is not met. With `--under-load`
it also runs the whole suite twice beside `stress-ng --cpu 8` and counts the failures, which takes an hour or two.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.figure import Goal, show
from benchmarks.repeated_lines import count_repeated_blocks
from benchmarks.retired_phrases import places_of_retired_phrases

ROOT = Path(__file__).parents[1]
PACKAGES = ("nago_orchestrator", "nago_trainer")
LAZY_GROUP = "nago_orchestrator/cli/lazy_group.py"
STORE = "nago_orchestrator/store/"
STOP = re.compile(r"^\d+\. `(nago_[\w/]+\.py:\w[\w.]*)`", re.MULTILINE)
"""A step of a way, in docs/architecture.md: a numbered line that begins with file and function."""


@dataclass(frozen=True)
class LateImport:
    """One that is carried out when a function is called."""

    place: str
    has_reason: bool


def main(arguments: Sequence[str]) -> int:
    met = [
        *_layout(),
        *_late_imports(),
        show("house", 'row["..."] outside the store', len(untyped_reads(ROOT)), "places", Goal(0)),
        show(
            "house",
            "blocks of six or more lines that stand twice",
            count_repeated_blocks(sources()),
            "blocks",
            Goal(10),
        ),
        *_ways(),
        *_phrases(),
    ]
    if "--under-load" in arguments:
        met += [
            show("house", f"failures under load, run {run}", failures_under_load(), "tests", Goal(0)) for run in (1, 2)
        ]
    return 0 if all(met) else 1


def _layout() -> Iterator[bool]:
    for package in PACKAGES:
        yield show("house", f"loose modules in {package}", len(list((ROOT / package).glob("*.py"))), "modules", Goal(8))


def _late_imports() -> Iterator[bool]:
    found = [item for file in sources() for item in late_imports(file, ROOT)]
    yield show("house", "imports inside functions", len(found), "imports", Goal(20))
    without = [item.place for item in found if not item.has_reason]
    yield show("house", "imports inside functions without a reason", len(without), "imports", Goal(0))


def _ways() -> Iterator[bool]:
    for way, stops in ways((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")).items():
        yield show("house", f"stops: {way}", len(stops), "functions", Goal(12))


def _phrases() -> Iterator[bool]:
    yield show("house", "retired phrases", len(places_of_retired_phrases()), "places", Goal(0))


def sources() -> list[Path]:
    return sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def late_imports(file: Path, root: Path) -> Iterator[LateImport]:
    """A reason is a comment beside the import, or above it and those that stand with it."""
    name = str(file.relative_to(root))
    if name == LAZY_GROUP:
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    imports = {
        node.lineno: node.end_lineno or node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    commented = _comments(file)
    explained: set[int] = set()
    for first, last in sorted(imports.items()):
        above = first - 1
        if {above, *range(first, last + 1)} & commented or above in explained:
            explained.update(range(first, last + 1))
        yield LateImport(f"{name}:{first}", first in explained)


def _comments(file: Path) -> set[int]:
    with tokenize.open(file) as opened:
        return {token.start[0] for token in tokenize.generate_tokens(opened.readline) if token.type == tokenize.COMMENT}


def untyped_reads(root: Path) -> list[str]:
    return [
        f"{file.relative_to(root)}:{number}"
        for file in sorted((root / "nago_orchestrator").rglob("*.py"))
        if not str(file.relative_to(root)).startswith(STORE)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        for _ in re.findall(r"\brow\[\"", line)
    ]


def ways(page: str) -> dict[str, list[str]]:
    """The stops of each way, by the heading above them; headings without stops are no ways."""
    sections = re.split(r"^#+ ", page, flags=re.MULTILINE)[1:]
    found = {section.splitlines()[0]: STOP.findall(section) for section in sections}
    return {heading: stops for heading, stops in found.items() if stops}


def failures_under_load() -> int:
    """Of the whole suite, beside eight processes that keep the processor busy."""
    report = ROOT / ".cache" / "under-load.xml"
    with subprocess.Popen(["stress-ng", "--cpu", "8", "--quiet"]) as load:
        try:
            subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={report}"], cwd=ROOT, check=False
            )
        finally:
            load.terminate()
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    return sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
