"""Texts that hit every rule, as hypothesis draws them: pieces that mean something to some rule, joined at random."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import strategies as st

PIECES = [
    "a",
    "b",
    "the",
    "be",
    "to",
    "of",
    "and",
    "word",
    "x",
    "Word",
    "NASA",
    "A.",
    "B",
    "I.E.",
    "e.g.",
    "U.S.",
    "Mr.",
    "5",
    "p.m.",
    "One.Two",
    "a.m.",
    "(e.g.",
    "12345",
    "1",
    "3",
    "likes",
    "1.2k",
    "views",
    "Sign-in",
    "Menu",
    "BUY",
    "NOW",
    "javascript",
    "JavaScript",
    "{",
    "}",
    "#",
    "•",
    "-",
    "*",
    "●",
    "...",
    "…",
    ".",
    ".",
    ".",
    "!",
    "?",
    '"',
    "'",
    ")",
    "“",
    "”",
    "...)",
    "?!",
    "[1]",
    "[edit]",
    "[12",
    "_",
    "é",
    "İ",
    "½",
    "٣",
    "語",
]
PIECES += [
    "[citation needed]",
    "lorem ipsum",
    "Lorem Ipsum",
    "cookie policy",
    "use cookies",
    "terms of use",
    "PRIVACY POLICY",
]
PIECES += ["coo\u212aie policy", "Read more...", "items in cart", "日本", "。", "\u200b", "\0", "x" * 12]
GAPS = ["", " ", " ", " ", "  ", "\n", "\n\n", "\r\n", "\t", "\x85", "\x1c", "\u2028", "\r"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of some of the pieces, perhaps again and again."""
    some = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8))
    gaps = draw(st.lists(st.sampled_from(GAPS), min_size=1, max_size=4))
    parts = draw(st.lists(st.tuples(st.sampled_from(some), st.sampled_from(gaps)), max_size=60))
    text = "".join(piece + gap for piece, gap in parts)
    return text * draw(st.integers(1, 3)) + draw(st.sampled_from(["", "", *GAPS]))


batches = st.lists(st.one_of(texts(), st.text(max_size=40)), min_size=1, max_size=12)


def table(*documents: str, **columns: list[str | None]) -> pa.Table:
    """Documents as rules take them."""
    return pa.table({"text": pa.array(documents, pa.large_string()), **columns})
