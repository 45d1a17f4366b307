"""Round robin, stratified, per stream, device per stream, bursty."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from curation.methods.orders.bursty import deal, fitting
from curation.methods.orders.stratified import slots_of
from schemas.errors import RecipeError
from tests.conftest import Vector
from tests.curation.methods.orders.common import keys, ordered

GROUPS = ["a"] * 50 + ["b"] * 30 + ["c"] * 20


def test_round_robin() -> None:
    documents = keys(6, group=["a", "a", "a", "b", "b", "c"], score=[3, 2, 1, 5, 4, 0])
    assert ordered(documents, "round_robin", by="group", inside="score") == [2, 4, 5, 1, 3, 0]
    labels = [["a", "a", "a", "b", "b", "c"][i] for i in ordered(documents, "round_robin", by="group")]
    assert labels == ["a", "b", "c", "a", "b", "a"]


def test_stratified_slots(vector: Vector) -> None:
    for case in vector("streaming.stratified_portions")["output"]:
        counts = np.round(np.array(case["p"]) * 10_000).astype(np.int64)
        got = slots_of(counts, case["GB"])
        assert got.sum() == case["GB"]
        if len(set(case["p"])) == len(case["p"]) or case["p"] == [0.25] * 4:
            assert got.tolist() == case["portion"]
        assert bool((got == 0).any()) is case["error"]


def test_every_stratified_batch_is_alike() -> None:
    got = [GROUPS[i] for i in ordered(keys(100, group=GROUPS), "stratified", by="group", batch_size=10)]
    for batch in range(10):
        assert Counter(got[10 * batch : 10 * batch + 10]) == {"a": 5, "b": 3, "c": 2}
    with pytest.raises(RecipeError, match=r"batch_size.*'c'"):
        ordered(keys(100, group=GROUPS), "stratified", by="group", batch_size=2)


def test_surplus_of_stratified_batches_comes_last() -> None:
    got = [GROUPS[i] for i in ordered(keys(100, group=GROUPS), "stratified", by="group", batch_size=7)]
    size, slots = 7, {"a": 4, "b": 2, "c": 1}
    for batch in range(12):
        assert Counter(got[size * batch : size * batch + size]) == slots
    assert len(got) == 100


@pytest.mark.parametrize("method", ["per_stream", "device_per_stream"])
def test_batches_of_one_group(method: str) -> None:
    got = [GROUPS[i] for i in ordered(keys(100, group=GROUPS), method, by="group", batch_size=8)]
    batches = [got[i : i + 8] for i in range(0, 88, 8)]
    assert all(len(set(batch)) == 1 for batch in batches)
    assert Counter(batch[0] for batch in batches) == {"a": 6, "b": 3, "c": 2}
    assert [batch[0] for batch in batches] != sorted(batch[0] for batch in batches)


def test_bursty_contexts() -> None:
    groups = [f"{i % 10}" for i in range(400)]
    got = [groups[i] for i in ordered(keys(400, group=groups), "bursty", by="group", context=8, burstiness=4)]
    contexts = [Counter(got[i : i + 8]) for i in range(0, 400, 8)]
    assert all(set(context.values()) == {4} and len(context) == 2 for context in contexts)
    with pytest.raises(RecipeError, match="does not divide"):
        ordered(keys(4, group=["a"] * 4), "bursty", by="group", context=8, burstiness=3)


def test_a_share_and_a_dictionary_limit_bursts() -> None:
    groups = [f"{i % 20:02}" for i in range(800)] + ["00"] * 40 + ["01"] * 40
    got = [
        groups[i] for i in ordered(keys(880, group=groups), "bursty", by="group", context=4, burstiness=4, dictionary=2)
    ]
    full = [got[i] for i in range(0, 880, 4) if len(set(got[i : i + 4])) == 1]
    assert set(full) <= {"00", "01"}
    assert len(full) == 40
    half = [
        groups[i] for i in ordered(keys(880, group=groups), "bursty", by="group", context=4, burstiness=4, share=0.5)
    ]
    bursts = sum(len(set(half[i : i + 4])) == 1 for i in range(0, 880, 4))
    assert 80 <= bursts <= 120


def test_bursts_stay_whole_to_the_end() -> None:
    draw = np.random.default_rng(0)
    groups = [f"{g}" for g in np.repeat(np.arange(7), [96, 60, 40, 20, 12, 8, 4])]
    got = [groups[i] for i in ordered(keys(240, group=groups), "bursty", by="group", context=6, burstiness=2)]
    whole = [Counter(got[i : i + 6]) for i in range(0, 240, 6)]
    bursty = [context for context in whole if set(context.values()) == {2} and len(context) == 3]
    contexts, kept = fitting(np.array([48, 30, 20, 10, 6, 4, 2]), 3)
    assert contexts == 36
    assert len(bursty) >= contexts  # singles of the greatest group may look alike
    assert kept.tolist() == [36, 30, 20, 10, 6, 4, 2]
    for _ in range(20):
        counts = draw.integers(0, 30, 9)
        contexts, kept = fitting(counts, 4)
        dealt = deal(kept, draw.permutation(9), contexts, draw.random((5, contexts)))
        of = np.repeat(np.arange(9), kept)
        for context in range(contexts):
            assert len(set(of[dealt == context].tolist())) == 4 == int((dealt == context).sum())
        assert (dealt == contexts).sum() == kept.sum() - 4 * contexts < 4
