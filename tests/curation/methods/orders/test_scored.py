"""Sort, folding, zig-zag, stair, saw, segment: the executed numbers of DELT's code."""

from __future__ import annotations

import numpy as np
import pytest

from curation.methods.orders.scored import folded, in_windows, jittered, zig_zagged
from tests.conftest import Vector
from tests.curation.methods.orders.common import keys, ordered


def test_folding(vector: Vector) -> None:
    given = vector("order.folding")
    for layers, expected in given["output"].items():
        assert folded(given["input"]["n"], int(layers)).tolist() == expected
    scores = [5.0, 1.0, 4.0, 2.0, 3.0, 0.0]
    assert ordered(keys(6, score=scores), "folding", by="score", layers=2) == [5, 3, 2, 1, 4, 0]


def test_zig_zag(vector: Vector) -> None:
    given = vector("order.zigzag")
    for layers, expected in given["output"].items():
        assert zig_zagged(given["input"]["n"], int(layers)).tolist() == expected
    assert ordered(keys(6, score=range(6)), "zig_zag", by="score", layers=2) == [0, 2, 4, 5, 3, 1]


def test_stair(vector: Vector) -> None:
    given = vector("order.stair")
    n = given["input"]["n"]
    for case, expected in zip(given["input"]["cases"], given["output"], strict=True):
        got = in_windows(n, case["num_sections"], case["folding_ratio"], case["folding_layer"], reverse=False)
        assert got.tolist() == expected
        fields = {"sections": case["num_sections"], "ratio": case["folding_ratio"], "layers": case["folding_layer"]}
        assert ordered(keys(n, score=range(n)), "stair", by="score", **fields) == expected


def test_saw_turns_back_where_stair_jumps() -> None:
    n = 20
    fields = {"sections": 2, "ratio": 0.25, "layers": 2}
    stair = ordered(keys(n, score=range(n)), "stair", by="score", **fields)
    saw = ordered(keys(n, score=range(n)), "saw", by="score", **fields)
    assert stair[5:15] == [5, 7, 9, 11, 13, 6, 8, 10, 12, 14]
    assert saw[5:15] == [5, 7, 9, 11, 13, 14, 12, 10, 8, 6]


def test_gumbel_jitter(vector: Vector) -> None:
    given = vector("order.gumbel_jitter")
    noise = np.random.default_rng(given["input"]["seed"]).gumbel(size=given["input"]["n"])
    assert jittered(noise, given["input"]["temperature"]).tolist() == given["output"]["order"]
    documents = keys(200, score=range(200))
    moved = np.array(ordered(documents, "sort", by="score", jitter=2.0))
    assert 0 < np.abs(moved - np.arange(200)).max() < 40
    assert ordered(documents, "sort", by="score") == list(range(200))


def test_window_shuffle(vector: Vector) -> None:
    given = vector("order.window_shuffle")
    n, window = given["input"]["n"], given["input"]["window"]
    got = ordered(keys(n, score=range(n)), "sort", by="score", window=window)
    sets = [sorted(got[i : i + window]) for i in range(0, n, window)]
    assert sets == [sorted(x) for x in given["output"]["window_sets"]]
    assert got != list(range(n))


@pytest.mark.parametrize("descending", [False, True])
def test_ties_go_by_id_and_missing_scores_last(descending: bool) -> None:
    scores = [1.0, None, 1.0, 2.0, 1.0]
    got = ordered(keys(5, score=scores), "sort", by="score", descending=descending)
    assert got == ([3, 0, 2, 4, 1] if descending else [0, 2, 4, 3, 1])


def test_segment() -> None:
    got = ordered(keys(100, score=range(100)), "segment", by="score", first=0.1, last=0.2)
    assert sorted(got[:10]) == list(range(10))
    assert sorted(got[80:]) == list(range(80, 100))
    assert got[:10] != list(range(10))
    same = ordered(keys(100, score=range(100)), "segment", by="score", first=0.1, last=0.2, same_end=True)
    assert sorted(same[:10] + same[80:]) == list(range(30))
    assert sorted(same[:10]) != list(range(10))
