"""Where values end, against the JSON parser, whatever the blocks."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from curation.readers.brackets import Brackets

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('"\\[]{}, aé', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{},', max_size=3), inner, max_size=3),
    max_leaves=8,
)


def ends(brackets: Brackets, data: bytes, cuts: list[int]) -> list[int]:
    """The places in all of the data, given in blocks."""
    found: list[int] = []
    start = 0
    for stop in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        begin = found[-1] + 1 if found else 0
        for first, end, times in brackets.runs(data[:stop], start, begin):
            same = end + 1 - first
            found += [end - same * left for left in reversed(range(times))]
            for left in range(1, times):
                assert data[first - same * left : end + 1 - same * left] == data[first : end + 1]
            assert found[-times] + 1 - same == begin
            begin = end + 1
        start = stop
    return found


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=5), cuts=st.lists(st.integers(0))
)
def test_values_in_a_row(values: list[dict[str, object]], cuts: list[int]) -> None:
    data = " ".join(map(json.dumps, values)).encode()
    brackets = Brackets()
    start, made = 0, []
    for end in ends(brackets, data, cuts):
        made.append(json.loads(data[start : end + 1]))
        start = end + 1
    assert made == values
    assert brackets.depth == 0
    assert not brackets.in_string


@settings(max_examples=200, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=5), cuts=st.lists(st.integers(0)))
def test_elements_of_an_array(values: list[object], cuts: list[int]) -> None:
    data = json.dumps(values, ensure_ascii=False).encode()
    opening, *stops = ends(Brackets(elements=True), data, cuts)
    assert opening == 0
    starts = [1, *(stop + 1 for stop in stops)]
    assert [json.loads(data[a:b]) for a, b in zip(starts, stops, strict=False)] == values


def test_what_is_open_at_the_end() -> None:
    brackets = Brackets()
    assert ends(brackets, b'[[{"a": "\\', []) == []
    assert (brackets.depth, brackets.in_string) == (3, True)
    assert ends(brackets, b'"]}]]', []) == []
    assert ends(brackets, b'"}]]]', []) == [3, 4]  # the last one closes nothing


def test_what_is_alike_is_told_together() -> None:
    assert list(Brackets(elements=True).runs(b"[0,0,0,1,1]")) == [(0, 0, 1), (5, 6, 3), (7, 8, 1), (9, 10, 1)]
    assert list(Brackets().runs(b"{},{},{}{}")) == [(0, 1, 1), (5, 7, 2), (8, 9, 1)]
