"""What README and the pages of docs/ refer to exists: files and folders, links, and the names of the glossary."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCES = ("nago_orchestrator", "nago_trainer")
TREE = re.compile(r"`((?:nago_orchestrator|nago_trainer|migrations|k8s|docs|examples|tests|docker)/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"`([A-Za-z_][\w.]*)(?:\(\))?`")


def prose(page: Path) -> str:
    """Without blocks of code, whose brackets are no links."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def anchors(page: Path) -> set[str]:
    """As the site and code hosts make them from headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_path_that_a_page_names_exists() -> None:
    named = [(page, path) for page in PAGES for path in TREE.findall(prose(page))]
    assert named
    missing = [f"{page.relative_to(ROOT)}: {path}" for page, path in named if not (ROOT / path).exists()]
    assert missing == []


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target, anchor in LINK.findall(prose(page)):
            if target.startswith(("http://", "https://", "mailto:")):
                continue
            found = page.parent / target if target else page
            if not found.exists() or (anchor and anchor not in anchors(found)):
                broken.append(f"{page.relative_to(ROOT)}: {target}#{anchor}")
    assert broken == []


def test_every_name_of_the_glossary_is_in_the_code() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ") and line.count("|") == 5]
    names = {part for row in rows for name in CODE.findall(row[3]) for part in name.split(".")}
    code = {
        word
        for package in SOURCES
        for file in (ROOT / package).rglob("*.py")
        for word in re.findall(r"\w+", f"{file.relative_to(ROOT)}\n{file.read_text(encoding='utf-8')}")
    }
    assert len(names) > 50
    assert sorted(names - code) == []
