"""Packing: MeCo's rows, the two ways, and that nothing is lost or doubled."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.pack import Packer, place
from curation.tokens import Tokens
from tests.conftest import Vector


def tokens(rows: list[list[int]], masks: list[list[int]] | None = None) -> Tokens:
    counts = np.array([len(row) for row in rows], dtype=np.int32)
    ones = masks if masks is not None else [[1] * len(row) for row in rows]
    return Tokens(counts, pa.array(rows, pa.list_(pa.int32())), pa.array(ones, pa.list_(pa.uint8())))


def test_complete(vector: Vector) -> None:
    given_ = vector("meco.pack_complete")
    docs, length = given_["input"]["docs"], given_["input"]["target_length"]
    packer = Packer(length)
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


@pytest.mark.parametrize("mode", ["complete", "keep_remainder"])
@settings(max_examples=80, deadline=None)
@given(sizes=st.lists(st.integers(0, 30), max_size=30), length=st.integers(8, 20), cut=st.integers(0, 30))
def test_the_stream_is_the_same_however_it_is_fed(mode: str, sizes: list[int], length: int, cut: int) -> None:
    rows = [[100 * i + k for k in range(size)] for i, size in enumerate(sizes)]
    names = [str(i) for i in range(len(rows))]
    whole = Packer(length, mode=mode).add(tokens(rows), names)  # type: ignore[arg-type]
    packer = Packer(length, mode=mode)  # type: ignore[arg-type]
    parts = [packer.add(tokens(rows[:cut]), names[:cut]), packer.add(tokens(rows[cut:]), names[cut:])]
    np.testing.assert_array_equal(np.concatenate([p.input_ids for p in parts]), whole.input_ids)
    flat = whole.input_ids.reshape(-1).tolist()
    if mode == "keep_remainder":
        assert flat == [t for row in rows for t in row][: len(flat)]
    assert len(set(flat)) == len(flat)
    assert packer.dropped_tokens + packer.waiting_tokens + len(flat) == sum(sizes)


def test_place_counts_used_documents() -> None:
    parts, documents, used = place(np.array([5, 5], dtype=np.int64), 8, False)
    assert parts[:, 0].tolist() == [0, 0]
    assert (documents, used) == (1, 8)


@given(sizes=st.lists(st.integers(0, 12), max_size=20), length=st.integers(8, 12))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_when_the_last_sequence_is_filled_up(sizes: list[int], length: int) -> None:
    rows = [[100 * i + k + 1 for k in range(size)] for i, size in enumerate(sizes)]
    packer = Packer(length, mode="keep_remainder")
    parts = [packer.add(tokens(rows), [str(i) for i in range(len(rows))]), packer.finish()]
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
