"""Unicode words: the boundaries are those of the package uniseg (DCLM's); in scripts without spaces each character is a word."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.arrays.arrow_text import buffers
from curation.dedup.normalise import WITHOUT_SPACES
from curation.rules import unicode_words, words
from curation.rules.apply import apply
from curation.rules.characters import classes
from curation.rules.words import HAS_ALPHA, REAL, STARTS_ALNUM, key_of
from schemas.rules import GopherQuality
from tests.curation.rules.texts import table, texts


def split(text: str, how: object = unicode_words) -> list[str]:
    data, offsets = buffers(pa.array([text], pa.large_string()))
    found = how.split(data, offsets, classes())  # type: ignore[attr-defined]
    raw = bytes(data)
    return [raw[found.start[i] : found.end[i]].decode() for i in range(found.first[-1])]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Don't stop, e-mail me!", ["Don't", "stop", "e", "mail", "me"]),
        ("3.14 and 1,000,000 or 1. x", ["3.14", "and", "1,000,000", "or", "1", "x"]),
        ("日本語 text", ["日", "本", "語", "text"]),
        ("カタカナ", ["カ", "タ", "カ", "ナ"]),
        ("ภาษา", ["ภ", "า", "ษ", "า"]),
        ("snake_case __x__ _", ["snake_case", "__x__"]),
        ('ארה"ב ׳', ['ארה"ב']),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("", []),
        ("... --- !!!", []),
    ],
)
def test_by_hand(text: str, wanted: list[str]) -> None:
    assert split(text) == wanted


peer = pytest.importorskip("uniseg.wordbreak", reason="the peer comes with `make test`")


def known(c: str) -> bool:
    """The peer's Unicode has the same property of the character, which is no part of an emoji or a flag."""
    same = regex.match(rf"\p{{Word_Break={peer.word_break(c).name}}}", c) is not None
    return (
        same
        and not any(first <= ord(c) <= last for first, last in WITHOUT_SPACES)
        and not regex.match(r"\p{ExtPict}|\p{RI}", c)
    )


alphabet = st.characters(exclude_categories=["Cs", "Cn", "Co"], max_codepoint=0x2FFF).filter(known)


@pytest.mark.peer
@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(alphabet, max_size=30), st.text("ab1.,:'\"_ \u0301\u200dאב", max_size=20)))
def test_boundaries_are_those_of_uniseg(text: str) -> None:
    segments = peer.words(text)
    assert split(text) == [segment for segment in segments if any(map(str.isalnum, segment))]


@settings(max_examples=200, deadline=None)
@given(texts())
def test_whitespace_words_are_those_of_split(text: str) -> None:
    assert split(text, words) == text.split()
    data, offsets = buffers(pa.array([text, text], pa.large_string()))
    found = words.split(data, offsets, classes())
    counts = np.zeros(2, dtype=np.int64)
    words.count(data, offsets, classes(), counts)
    plain = text.split()
    assert counts.tolist() == [len(plain)] * 2 == np.diff(found.first).tolist()
    assert found.chars[: 2 * len(plain)].tolist() == [len(word) for word in plain] * 2
    for n in range(1, 5):
        keys = [key_of(found.prefix, found.scale, i, n) for i in range(len(plain) - n + 1)]
        joined = ["".join(plain[i : i + n]) for i in range(len(keys))]
        assert len(set(zip(map(int, keys), joined, strict=True))) == len(set(joined)) == len(set(map(int, keys)))
        again = [key_of(found.prefix, found.scale, len(plain) + i, n) for i in range(len(keys))]
        assert [int(key) for key in again] == [int(key) for key in keys]


def test_traits() -> None:
    data, offsets = buffers(pa.array(["word -- 12 #x (a)"], pa.large_string()))
    found = words.split(data, offsets, classes())
    assert [bool(t & HAS_ALPHA) for t in found.traits[:5]] == [True, False, False, True, True]
    assert [bool(t & REAL) for t in found.traits[:5]] == [True, False, True, True, True]
    assert [bool(t & STARTS_ALNUM) for t in found.traits[:5]] == [True, False, True, False, False]


def test_a_japanese_page_has_words_by_the_unicode_definition() -> None:
    rule = GopherQuality(min_avg_word_length=None, min_stop_words=None)
    page = table("これは日本語の文章です。" * 10)
    assert apply(page, [rule]).rule[0] >= 0
    assert apply(page, [rule], words="unicode").rule[0] == -1
