"""Adds the pages and files that lie outside of docs/ to the site, and turns links between them into links of the site.

In the repository every link is relative to its page, so that code hosts follow it too. Called by MkDocs (mkdocs.yml).
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/RESULTS.md": "results.md",
}
"""Place in the repository -> place on the site."""
FOLDERS = ("examples", "benchmarks")
"""Folders whose files are part of the site if a page may link to them."""
SUFFIXES = (".yaml", ".svg", ".csv")
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
CELL = re.compile(r"<td>.*?</td>", re.DOTALL)
LONG_CODE = re.compile(r"(?<=<code>)[^<]{15,}(?=</code>)")


def on_files(files: Files, config: Any) -> Files:
    for source, place in PAGES.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text(encoding="utf-8")))
    for file in (file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*"))):
        if file.suffix in SUFFIXES:
            place = file.relative_to(ROOT).as_posix()
            files.append(File.generated(config, place, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    here = page.file.src_uri
    source = next((outside for outside, place in PAGES.items() if place == here), f"docs/{here}")
    return LINK.sub(lambda link: _link(link[1], source, here), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Long names in tables may break after a dot or an underscore, so that the other columns have room."""
    return CELL.sub(lambda cell: LONG_CODE.sub(lambda code: re.sub(r"([._])", r"\1<wbr>", code[0]), cell[0]), html)


def _link(target: str, source: str, here: str) -> str:
    """`target` is relative to the page `source` of the repository; the answer, to the page `here` of the site."""
    wanted = posixpath.normpath(str(PurePosixPath(source).parent / target))
    place = PAGES.get(wanted, wanted.removeprefix("docs/"))
    return posixpath.relpath(place, str(PurePosixPath(here).parent))
