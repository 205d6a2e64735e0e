"""The navigation of the documentation site has every page, and its hook knows every page outside of docs/."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def places(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, list):
        for entry in nav:
            yield from places(entry)
    else:
        for entry in nav.values():
            yield from places(entry)


@pytest.fixture(scope="module")
def pages() -> Any:
    spec = importlib.util.spec_from_file_location("pages", DOCS / "theme" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation(pages: Any) -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    inside = {file.relative_to(DOCS).as_posix() for file in DOCS.rglob("*.md")}
    assert sorted(places(nav)) == sorted(inside | set(pages.PAGES.values()))
    assert {file.name for file in ROOT.glob("*.md")} <= set(pages.PAGES)


@pytest.mark.parametrize(
    ("target", "source", "here", "link"),
    [
        ("docs/commands.md", "README.md", "index.md", "commands.md"),
        ("docs/pictures/digits-searches.svg", "README.md", "index.md", "pictures/digits-searches.svg"),
        ("../examples/folder.yaml", "docs/study-file.md", "study-file.md", "examples/folder.yaml"),
        ("../../CONTRIBUTING.md", "docs/guides/add-a-dataset.md", "guides/add-a-dataset.md", "../contributing.md"),
        ("../docs/generator.md", "benchmarks/RESULTS.md", "results.md", "generator.md"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(
    pages: Any, target: str, source: str, here: str, link: str
) -> None:
    assert pages._link(target, source, here) == link
