"""Windows that stood before, from anchors: held to a table of all windows, and to a suffix array."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedup import substrings
from curation.dedup.anchors import anchors_of
from tests.repeats import by_hand, made_sets, stood_before

UNITS = [b"a", b"ab", b"abcdefg", b"-=", b"a line of forty bytes that comes again.\n", bytes(range(97, 123))]


def cut(documents: Sequence[bytes], min_bytes: int, *, with_first: bool = False) -> npt.NDArray[np.bool_]:
    """The bytes that are cut, from anchors alone, in one piece."""
    data = np.frombuffer(b"".join(documents), np.uint8)
    offsets = np.cumsum([0, *map(len, documents)])
    found, runs = anchors_of(data, offsets, min_bytes)
    order = np.argsort(found.key, kind="stable")
    place = offsets[found.row.astype(np.int64)] + found.place
    again = substrings.repeats(
        found.key[order], found.after[order], found.before[order], data, (place - found.before)[order], min_bytes,
        with_first=with_first,
    )  # fmt: skip
    edges = np.zeros(len(data) + 1, dtype=np.int64)
    at = place[order[again.member]]
    np.add.at(edges, at - again.high, 1)
    np.add.at(edges, at - again.low + min_bytes, -1)
    start = offsets[runs.row]
    np.add.at(edges, start + runs.first - (runs.period if with_first else 0), 1)
    np.add.at(edges, start + runs.stop - 1 + min_bytes, -1)
    there = order[again.first]
    for member, low, high, first in zip(again.member, again.low, again.high, there, strict=True):
        here = place[order[member]]
        assert bytes(data[here - high : here - low + min_bytes]) == bytes(
            data[place[first] - high : place[first] - low + min_bytes]
        )
    result: npt.NDArray[np.bool_] = np.cumsum(edges)[:-1] > 0
    return result


@st.composite
def corpora(draw: st.DrawFn) -> list[bytes]:
    """Documents put together from a few pieces: repeated units, and texts that stand once or often."""
    piece = st.one_of(
        st.tuples(st.sampled_from(UNITS), st.integers(1, 400)).map(lambda one: (one[0] * one[1])[: one[1]]),
        st.binary(min_size=1, max_size=200),
        st.lists(st.sampled_from(b"ab"), min_size=1, max_size=90).map(bytes),
    )
    pool = draw(st.lists(piece, min_size=1, max_size=7))
    document = st.lists(st.sampled_from(pool), max_size=13).map(b"".join)
    return draw(st.lists(document, max_size=40))


@given(corpora(), st.sampled_from([64, 65, 100, 150, 300]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_is_cut_is_what_a_table_of_all_windows_says(documents: list[bytes], length: int, with_first: bool) -> None:
    assert (cut(documents, length, with_first=with_first) == by_hand(documents, length, all_of_them=with_first)).all()


@pytest.mark.parametrize("name", made_sets(1))
@pytest.mark.parametrize("min_bytes", [500, 64])
def test_of_texts_that_repeat_in_every_way_what_is_cut_is_what_a_suffix_array_says(name: str, min_bytes: int) -> None:
    pytest.importorskip("pydivsufsort")
    documents = made_sets(300_000)[name]()
    assert (cut(documents, min_bytes) == stood_before(documents, min_bytes)).all()


def test_the_oracles_agree() -> None:
    pytest.importorskip("pydivsufsort")
    documents = [b"x" * 300, b"abcdefghij" * 30, b"0" * 70 + b"abcdefghij" * 10, b""]
    assert (stood_before(documents, 64) == by_hand(documents, 64)).all()


def test_many_anchors_with_windows_of_their_own_are_looked_up() -> None:
    """More than are compared one with another, each going on in its own way, some of them twice."""
    draw = np.random.default_rng(3)
    head = bytes(draw.integers(97, 123, 90, dtype=np.uint8))
    tails = [bytes(draw.integers(97, 123, 200, dtype=np.uint8)) for _ in range(4 * substrings.COMPARED)]
    documents = [
        head + tail for tail in [*tails, *tails[::3], *(tail[:80] + other for tail, other in itertools.pairwise(tails))]
    ]
    found = cut(documents, 128)
    assert (found == by_hand(documents, 128)).all()
    assert found.any()


def test_a_text_that_only_repeats_itself_has_one_anchor() -> None:
    for unit in (b"a", b"abcdef ", b"= - "):
        data = np.frombuffer(unit * 40_000, np.uint8)
        found, runs = anchors_of(data, np.array([0, len(data)]), 500)
        assert len(found.key) <= 2
        assert int((runs.stop - runs.first).sum()) >= len(data) - 600


def test_anchors_take_a_tenth_of_a_byte_a_byte() -> None:
    data = np.random.default_rng(0).integers(32, 127, 2_000_000, dtype=np.uint8)
    found, _ = anchors_of(data, np.array([0, len(data)]), 500)
    assert len(found.key) * 20 < 0.12 * len(data)
