"""The quick look at texts: its tokens are those of the close one, and it never says no where that says yes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decontamination.items import tokens
from curation.dedup.shared_grams import gram_tables, may_share, tokens_of
from tests.curation.rules.texts import texts


def large(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


@settings(max_examples=300, deadline=None)
@given(st.one_of(texts(), st.text(max_size=40), st.text("aB1_ éÉกั日カ-\u0301", max_size=30)))
def test_tokens_are_told_apart_as_the_close_look_does(text: str) -> None:
    found = tokens_of(large(text))
    plain = tokens(text)
    if not found.odd[0]:
        assert len(found.hash) == len(plain)
        assert (
            len(set(zip(found.hash.tolist(), plain, strict=True))) == len(set(plain)) == len(set(found.hash.tolist()))
        )


@settings(max_examples=200, deadline=None)
@given(st.lists(texts(), min_size=1, max_size=4), st.lists(texts(), min_size=1, max_size=4), st.integers(1, 5))
def test_no_shared_gram_is_missed(items: list[str], documents: list[str], ngram: int) -> None:
    said = may_share(large(*documents), gram_tables(large(*items), ngram))
    wanted: dict[int, set[tuple[str, ...]]] = {}
    for item in map(tokens, items):
        n = min(ngram, len(item))
        if n:
            wanted.setdefault(n, set()).update(tuple(item[i : i + n]) for i in range(len(item) - n + 1))
    for document, maybe in zip(documents, said.tolist(), strict=True):
        words = tokens(document)
        shares = any(tuple(words[i : i + n]) in grams for n, grams in wanted.items() for i in range(len(words) - n + 1))
        assert maybe or not shares


@pytest.mark.parametrize(
    ("text", "said"), [("one two three four", True), ("one two four three", False), ("", False), ("ΟΔΟΣ", True)]
)
def test_by_hand(text: str, said: bool) -> None:
    assert may_share(large(text), gram_tables(large("Two, THREE four!"), 3)).tolist() == [said]
