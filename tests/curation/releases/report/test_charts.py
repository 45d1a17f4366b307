"""Pictures: well-formed, in the page's own colours, and what they are given is only ever drawn."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.releases.report.charts import DROPPED, KEPT, bars, histogram, plot, short

XML_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=80)


def drawn_of(plotted: str) -> ElementTree.Element:
    """The picture itself, without what stands above and beneath."""
    return ElementTree.fromstring(plotted[plotted.index("<svg") : plotted.index("</svg>") + len("</svg>")])


def test_what_it_shows_stands_above_and_its_numbers_beneath() -> None:
    plotted = bars([(f"bar {n}", n) for n in range(150)], label="Bars & more")
    assert plotted.startswith("<figure><figcaption>Bars &amp; more</figcaption><svg")
    assert "its numbers, the first 100 of 150" in plotted
    assert plotted.count("<tr>") == 101
    assert '<td>bar 99</td><td class="n">99</td>' in plotted
    assert "<details>" not in plot({"data": {"values": [{"a": 1}]}, "mark": "bar"}, "x", numbers=False)


def test_text_takes_the_colour_of_the_page() -> None:
    picture = bars([("one", 1), ("two", 2)], label="Two bars")
    drawn = drawn_of(picture)
    colours = {node.get("fill") for node in drawn.iter() if node.tag.endswith("text")}
    assert colours == {"currentColor"}
    assert drawn.get("aria-label") == "Two bars"
    assert "http" not in picture.replace("http://www.w3.org/", "")


@settings(max_examples=25, deadline=None)
@given(st.lists(XML_TEXT, min_size=1, max_size=3), XML_TEXT)
def test_any_label_is_text(names: list[str], label: str) -> None:
    drawn = drawn_of(bars([(name, 1.0) for name in names], label=label))
    assert not [node for node in drawn.iter() if node.tag.rsplit("}", 1)[-1] not in {"svg", "g", "path", "text", "line", "rect", "title", "defs", "clipPath"}]  # fmt: skip


def test_letters_beyond_the_first_plane() -> None:
    drawn_of(bars([("0" * 32 + "\U0001d48c\U0001d48c\U0001d496", 1.0), ("\U0001f600" * 90, 2.0)], label="x"))


def test_vega_expressions_in_labels_are_not_evaluated() -> None:
    picture = bars([("datum.value + 1", 3), ("{{7*7}}", 4)], label="x")
    assert "datum.value + 1" in picture
    assert "{{7*7}}" in picture


def test_a_histogram_shows_what_drops() -> None:
    picture = histogram([0, 1, 2, 3], [5, 0, 7], label="h", bound=1.5, dropped=[True, True, False])
    assert picture.count(f'fill="{DROPPED}"') == 1
    assert picture.count(f'fill="{KEPT}"') == 1
    assert "stroke-dasharray" in picture


def test_long_labels_are_cut() -> None:
    assert len(short("x" * 500)) == 40


@pytest.mark.parametrize("character", ["\x00", "\x0c", "\x1b", "\ud800", "\uffff"])
def test_characters_that_xml_does_not_take_are_drawn_as_unknown(character: str) -> None:
    assert "a\ufffdb" in bars([(f"a{character}b", 3)], label="x")
