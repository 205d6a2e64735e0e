from __future__ import annotations

from html.parser import HTMLParser

from nago_orchestrator.report.space_page import PagePart, PageTable, build_space_page

TABLE = PageTable(header=("name", "share"), rows=(("top_k <odd>", "44 %"),), right=(False, True))
PART = PagePart(title="hnag & co", facts=[("draws", "300")], tables=[TABLE])


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network() -> None:
    page = build_space_page("hnag", "<svg></svg>", [PART, PART])
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.count("svg") == 1
    assert tags.seen.count("table") == 2
    assert not {"script", "link", "img"} & set(tags.seen)


def test_no_text_of_a_user_becomes_markup() -> None:
    attack = "<script>alert(1)</script>"
    table = PageTable(header=(attack, "x"), rows=((attack, attack),), right=(False, True))
    page = build_space_page(attack, "", [PagePart(title=attack, facts=[(attack, attack)], tables=[table])])
    assert attack not in page
    assert page.count("&lt;script&gt;") == 8


def test_texts_are_escaped_and_numbers_stand_to_the_right() -> None:
    page = build_space_page("a < b", "", [PART])
    assert '<h1 class="unseen">a &lt; b</h1>' in page
    assert "<h2>hnag &amp; co</h2>" in page
    assert '<td>top_k &lt;odd&gt;</td><td class="right">44 %</td>' in page
