"""Normalisers: each does its own, off by default, and says what it did."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.cleaning.normalisers import apply
from schemas.cleaning import Normalisers

ALL = Normalisers(**dict.fromkeys(Normalisers.model_fields, True))


@pytest.mark.parametrize(
    ("name", "text", "after", "places"),
    [
        (
            "html_entities",
            "a &amp; b &lt;c&gt; &#233; &#x1F600; &amp;amp; &nosuch;",
            "a & b <c> é 😀 &amp; &nosuch;",
            6,
        ),
        ("control_characters", "a\x00b\x07\tc\nd\r\n\x7fe\x9f\x85f", "ab\tc\nd\r\ne\x85f", 4),
        ("zero_width", "\ufeffa\u200bb\u2060c\u200dd", "abc\u200dd", 3),
        ("bidirectional", "a\u202eb\u2066c\u200fd", "abcd", 3),
        ("blank_lines", "a\n\n\nb\n \t\n\nc\n\nd\r\n\r\n\r\ne", "a\n\nb\n\nc\n\nd\r\n\ne", 3),
    ],
)
def test_each_by_itself(name: str, text: str, after: str, places: int) -> None:
    texts = pa.array([text, "plain text\n\nstays"], pa.large_string())
    made, found = apply(texts, Normalisers.model_validate({name: True}))
    assert made.to_pylist() == [after, "plain text\n\nstays"]
    counted, other = found[name]
    assert other == 0
    assert counted == places + (name == "html_entities")  # what is no entity is looked at, too
    assert apply(texts, Normalisers())[0].equals(texts)


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=8))
def test_twice_is_once_but_for_entities(texts: list[str]) -> None:
    some = ALL.model_copy(update={"html_entities": False, "blank_lines": False})
    once, _ = apply(pa.array(texts, pa.large_string()), some)
    again, edits = apply(once, some)
    assert again.equals(once)
    assert not edits
