"""Packing: MeCo's rows, the two ways, and that nothing is lost or doubled."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.training.pack import Packed, Packer
from curation.training.placing import best_fit, next_fit, place
from curation.training.tokens import Tokens
from tests.conftest import Vector


def tokens(rows: list[list[int]], masks: list[list[int]] | None = None) -> Tokens:
    counts = np.array([len(row) for row in rows], dtype=np.int32)
    ones = masks if masks is not None else [[1] * len(row) for row in rows]
    return Tokens(counts, pa.array(rows, pa.list_(pa.int32())), pa.array(ones, pa.list_(pa.uint8())))


def rest(packer: Packer) -> list[Packed]:
    last = packer.finish()
    return [] if last is None else [last]


def test_complete(vector: Vector) -> None:
    given_ = vector("meco.pack_complete")
    docs, length = given_["input"]["docs"], given_["input"]["target_length"]
    packer = Packer(length, "complete")
    made = packer.add(tokens([d["ids"] for d in docs], [d["mask"] for d in docs]), [str(i) for i in range(len(docs))])
    rows = given_["output"]["rows"]
    assert made.input_ids.tolist() == [row["input_ids"] for row in rows]
    assert made.loss_mask.tolist() == [row["mask"] for row in rows]
    spans = [[s["start"], s["end"]] for row in made.columns()["doc_spans"].to_pylist() for s in row]
    assert spans == [span for row in rows for span in row["indices"]]
    assert packer.waiting_tokens == given_["output"]["tokens_left_in_buffer_dropped"]


def test_a_row_without_loss_trains_on_its_end(vector: Vector) -> None:
    given_ = vector("meco.all_masked")
    ids, mask = given_["input"]["tokens"], given_["input"]["mask"]
    made = Packer(len(ids)).add(tokens([ids], [mask]), ["a"])
    labels = np.where(made.loss_mask[0] == 1, made.input_ids[0], -100)
    assert labels.tolist() == given_["output"]["labels"]


def test_one_document(vector: Vector) -> None:
    given_ = vector("meco.single_doc")
    what = given_["input"]
    prefix, text = [ord(c) for c in f"{what['prefix']}a.io{what['suffix']}"], [ord(c) for c in what["text"]]
    packer = Packer(given_["output"]["length"], begin=what["bos"], end=what["eos"])
    made = packer.add(tokens([prefix + text], [[0] * len(prefix) + [1] * len(text)]), ["a"])
    assert made.input_ids[0].tolist() == given_["output"]["input_ids"]
    assert made.loss_mask[0].tolist() == given_["output"]["mask"]


@pytest.mark.parametrize("method", ["complete", "concat"])
@settings(max_examples=80, deadline=None)
@given(sizes=st.lists(st.integers(0, 30), max_size=30), length=st.integers(8, 20), cut=st.integers(0, 30))
def test_the_stream_is_the_same_however_it_is_fed(method: str, sizes: list[int], length: int, cut: int) -> None:
    rows = [[100 * i + k for k in range(size)] for i, size in enumerate(sizes)]
    names = [str(i) for i in range(len(rows))]
    whole = Packer(length, method=method).add(tokens(rows), names)  # type: ignore[arg-type]
    packer = Packer(length, method=method)  # type: ignore[arg-type]
    parts = [packer.add(tokens(rows[:cut]), names[:cut]), packer.add(tokens(rows[cut:]), names[cut:])]
    np.testing.assert_array_equal(np.concatenate([p.input_ids for p in parts]), whole.input_ids)
    flat = whole.input_ids.reshape(-1).tolist()
    if method == "concat":
        assert flat == [t for row in rows for t in row][: len(flat)]
    assert len(set(flat)) == len(flat)
    assert packer.dropped_tokens + packer.waiting_tokens + len(flat) == sum(sizes)
    once = Packer(length, method=method)  # type: ignore[arg-type]
    once.add(tokens(rows), names)
    assert (packer.cut, packer.dropped_tokens) == (once.cut, once.dropped_tokens)
    if method == "concat":
        borders = set(range(length, len(flat) + 1, length))
        ends = np.cumsum(sizes).tolist()
        inside = [any(e - s < b < e for b in borders) for s, e in zip(sizes, ends, strict=True)]
        assert once.cut == sum(inside)


def test_place_counts_used_documents() -> None:
    parts, documents, used = place(np.array([5, 5], dtype=np.int64), 8, False)
    assert parts[:, 0].tolist() == [0, 0]
    assert (documents, used) == (1, 8)


@given(sizes=st.lists(st.integers(0, 12), max_size=20), length=st.integers(8, 12))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_when_the_last_sequence_is_filled_up(sizes: list[int], length: int) -> None:
    rows = [[100 * i + k + 1 for k in range(size)] for i, size in enumerate(sizes)]
    packer = Packer(length, "concat")
    parts = [packer.add(tokens(rows), [str(i) for i in range(len(rows))]), *rest(packer)]
    flat = np.concatenate([part.input_ids for part in parts]).reshape(-1).tolist()
    total = sum(sizes)
    assert flat[:total] == [t for row in rows for t in row]
    assert flat[total:] == [0] * (len(flat) - total)
    assert len(flat) - total < length
    found: dict[str, list[int]] = {}
    for part in parts:
        columns = part.columns()
        for ids, names, spans in zip(
            *(columns[c].to_pylist() for c in ("input_ids", "doc_ids", "doc_spans")), strict=True
        ):
            for name, span in zip(names, spans, strict=True):
                found.setdefault(name, []).extend(ids[span["start"] : span["end"]])
    assert found == {str(i): row for i, row in enumerate(rows) if row}
    assert all(part.loss_mask.any(axis=1).all() for part in parts)


@given(sizes=st.lists(st.integers(0, 40), max_size=40), length=st.integers(8, 16))
@settings(max_examples=80, deadline=None)
def test_best_fit_cuts_only_what_is_longer_than_a_sequence(sizes: list[int], length: int) -> None:
    rows = [[100 * i + k + 1 for k in range(size)] for i, size in enumerate(sizes)]
    packer = Packer(length, "best_fit", pad=7_000)
    made = packer.add(tokens(rows), [str(i) for i in range(len(rows))])
    assert packer.finish() is None
    found: dict[str, list[int]] = {}
    pieces: dict[str, int] = {}
    inside = 0
    columns = {name: made.columns()[name].to_pylist() for name in ("input_ids", "doc_ids", "doc_spans")}
    for ids, names, spans in zip(*columns.values(), strict=True):
        at = 0
        for name, span in zip(names, spans, strict=True):
            assert span["start"] == at
            at = span["end"]
            found.setdefault(name, []).extend(ids[span["start"] : at])
            pieces[name] = pieces.get(name, 0) + 1
        assert ids[at:] == [7_000] * (length - at)
        inside += at
    assert found == {str(i): row for i, row in enumerate(rows) if row}
    assert all(pieces[str(i)] == -(-size // length) for i, size in enumerate(sizes) if size)
    assert (packer.cut, packer.dropped_tokens) == (sum(size > length for size in sizes), 0)
    assert packer.padded == len(made.input_ids) * length - inside


def test_best_fit_by_hand() -> None:
    """7 opens a sequence, 4 the next; a 3 fills the first, the other 3 and the rest of 12 go to the second."""
    parts = best_fit(np.array([3, 7, 3, 4, 12, 10], dtype=np.int64), 10, 6)
    assert parts[:, [0, 1, 3, 4]].tolist() == [
        [0, 0, 0, 3],
        [0, 1, 3, 10],
        [1, 4, 0, 10],
        [2, 2, 0, 3],
        [2, 3, 3, 7],
        [2, 4, 7, 9],
        [3, 5, 0, 10],
    ]


SIZES = st.lists(st.integers(0, 40), max_size=40)


def spans_of(parts: np.ndarray) -> dict[int, list[tuple[int, int]]]:
    """Of each document its spans, (row, tokens), in order."""
    found: dict[int, list[tuple[int, int]]] = {}
    for row, document, _, start, end in parts.tolist():
        found.setdefault(document, []).append((row, end - start))
    return found


@settings(max_examples=150, deadline=None)
@given(sizes=SIZES, length=st.integers(8, 20), window=st.integers(1, 50))
def test_a_document_moves_by_less_than_the_window(sizes: list[int], length: int, window: int) -> None:
    parts = best_fit(np.array(sizes, dtype=np.int64), length, window)
    found = spans_of(parts)
    assert {d: sum(n for _, n in spans) for d, spans in found.items()} == {d: n for d, n in enumerate(sizes) if n}
    order = parts[:, 1].tolist()
    for document, spans in found.items():
        assert len(spans) == -(-sizes[document] // length)  # cut only where it is longer than a sequence
        before = {other for other in order[: order.index(document)] if other > document}
        assert all(other - document < window for other in before)
    rows = {row: [] for row in parts[:, 0].tolist()}  # type: dict[int, list[int]]
    for row, _, _, start, end in parts.tolist():
        rows[row] += range(start, end)
    assert all(places == list(range(len(places))) and len(places) <= length for places in rows.values())


@settings(max_examples=150, deadline=None)
@given(sizes=SIZES, length=st.integers(8, 20))
def test_without_a_window_the_order_is_kept(sizes: list[int], length: int) -> None:
    parts = next_fit(np.array(sizes, dtype=np.int64), length)
    assert parts[:, 1].tolist() == sorted(parts[:, 1].tolist())
    found = spans_of(parts)
    assert {d: sum(n for _, n in spans) for d, spans in found.items()} == {d: n for d, n in enumerate(sizes) if n}
    assert all(len(spans) == -(-sizes[document] // length) for document, spans in found.items())
    assert parts[:, 0].tolist() == sorted(parts[:, 0].tolist())


@settings(max_examples=150, deadline=None)
@given(
    sizes=SIZES,
    length=st.integers(8, 20),
    min_span=st.integers(1, 4),
    complete=st.booleans(),
    cuts=st.lists(st.integers(0, 40), max_size=3),
)
def test_no_span_is_shorter_than_it_may_be(
    sizes: list[int], length: int, min_span: int, complete: bool, cuts: list[int]
) -> None:
    rows = [[100 * i + k for k in range(size)] for i, size in enumerate(sizes)]
    names = [str(i) for i in range(len(rows))]
    packer = Packer(length, "complete" if complete else "concat", min_span=min_span)
    made = []
    for first, last in pairwise([0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]):
        made.append(packer.add(tokens(rows[first:last]), names[first:last]))
    made += rest(packer)
    whole = Packer(length, "complete" if complete else "concat", min_span=min_span)
    alone = [whole.add(tokens(rows), names), *rest(whole)]
    ids = np.concatenate([one.input_ids for one in made])
    assert np.array_equal(ids, np.concatenate([one.input_ids for one in alone]))
    assert (packer.padded, packer.dropped_tokens) == (whole.padded, whole.dropped_tokens)
    found: dict[str, list[int]] = {}
    spans = 0
    for one in made:
        for name, (start, end) in zip(one.doc_ids, one.spans.tolist(), strict=True):
            found.setdefault(name, []).append(end - start)
            spans += end - start
    assert ids.size - spans == packer.padded
    assert sum(sizes) - spans == packer.dropped_tokens
    for name, lengths in found.items():
        assert len(lengths) == 1 or complete or min(lengths) >= min_span
        assert min(lengths) >= min(min_span, sizes[int(name)])


@pytest.mark.parametrize("method", ["concat", "complete", "best_fit"])
@settings(max_examples=80, deadline=None)
@given(
    sizes=SIZES, length=st.integers(8, 20), cuts=st.lists(st.integers(0, 40), max_size=4), min_span=st.integers(1, 4)
)
def test_an_offset_says_where_in_its_document_a_span_begins(
    method: Any, sizes: list[int], length: int, cuts: list[int], min_span: int
) -> None:
    """However the stream is fed, begin and end among the tokens."""
    rows = [[100 * i + k + 10 for k in range(size)] for i, size in enumerate(sizes)]
    packer = Packer(length, method, begin=1, end=2, min_span=1 if method == "best_fit" else min_span)
    borders = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    made = [packer.add(tokens(rows[a:b]), [str(i) for i in range(a, b)]) for a, b in pairwise(borders) if a < b]
    whole = {str(i): [1, *row, 2] for i, row in enumerate(rows)}
    continued = 0
    for part in [*made, *([last] if (last := packer.finish()) is not None else [])]:
        columns = part.columns()
        found = (columns[name].to_pylist() for name in ("input_ids", "doc_ids", "doc_spans", "doc_offsets"))
        for ids, names, spans, offsets in zip(*found, strict=True):
            for name, span, offset in zip(names, spans, offsets, strict=True):
                held = ids[span["start"] : span["end"]]
                assert held == whole[name][offset : offset + len(held)]
                continued += offset > 0
    if method == "complete":
        assert not continued  # what overflows is thrown away
