"""Task streams with rehearsal, and FoMo-in-Flux's streams."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from curation.methods.schedules import expand
from curation.methods.schedules.stream import by_dataset, chunks, sequenced
from schemas.errors import RecipeError
from schemas.schedules import Stream
from tests.conftest import Vector
from tests.curation.methods.schedules.common import context, planned, pool


def stream(**fields: Any) -> Stream:
    return Stream.model_validate({"method": "stream", "name": "s", "by": "group", "records": 12, **fields})


def test_chunks(vector: Vector) -> None:
    given = vector("fomo.chunk")
    for (n, tasks), expected in zip(given["input"]["cases(n_classes,T)"], given["output"], strict=True):
        got = [len(task) for task in chunks([str(i) for i in range(n)], tasks)]
        if isinstance(expected, list):
            assert got == expected
        else:
            assert got[: len(expected["first"])] == expected["first"]
            assert got[-1] == expected["last"]
            assert got.count(expected["first"][0]) == expected["n_plus_one"]


def test_sequences(vector: Vector) -> None:
    given, out = vector("fomo.orderings_toy")["input"], vector("fomo.orderings_toy")["output"]
    entries = ["x", "y", "z", "w"]
    accuracy = {"values": given["zero_shot_accuracy"]}
    assert sequenced(stream(sequence="easy_to_hard", **accuracy), entries, context()) == out["easy_to_hard"]
    assert sequenced(stream(sequence="hard_to_easy", **accuracy), entries, context()) == out["hard_to_easy"]
    frequency = stream(sequence="frequency", values=given["pretrain_frequency"])
    assert sequenced(frequency, entries, context()) == out["concept_frequency_rare_first"]
    similar = stream(sequence="similarity", vectors=given["embedding"])
    assert sequenced(similar, entries, context()) == out["similarity_greedy_from_x"]
    assert sorted(sequenced(stream(), entries, context())) == sorted(entries)


def test_a_task_a_dataset() -> None:
    assert by_dataset(["a+++1", "a+++2", "b+++1", "a+++3", "c+++1"], "+++") == [
        ["a+++1", "a+++2"],
        ["b+++1", "a+++3"],
        ["c+++1"],
    ]


def test_three_pools() -> None:
    groups = ["old"] * 60 + ["u1"] * 60 + ["u2"] * 60 + ["u3"] * 60
    entry = {
        "method": "stream",
        "name": "s",
        "by": "group",
        "tasks": 3,
        "sequence": "given",
        "entries": ["u2", "u1", "u3"],
        "pretraining": ["old"],
        "records": 30,
    }
    _, ordered = planned(pool(240, group=groups), [entry])
    counts = [Counter(groups[i] for i in ordered.document[ordered.phase == n]) for n in range(3)]
    assert counts[0] == {"old": 15, "u2": 15}
    assert counts[1] == {"old": 10, "u1": 10, "u2": 10}
    assert counts[2] == {"old": 10, "u3": 10, "u1": 5, "u2": 5}


def test_more_tasks_than_entries_and_missing_values_are_refused() -> None:
    with pytest.raises(RecipeError, match="3 tasks of 2 entries"):
        expand(stream(tasks=3), context(a=1, b=1))
    with pytest.raises(RecipeError, match=r"values.*'b'"):
        expand(stream(sequence="frequency", values={"a": 1}), context(a=1, b=1))
    with pytest.raises(RecipeError, match=r"pretraining.*'aa'.*did you mean 'a'"):
        expand(stream(pretraining=["aa"]), context(a=1, b=1))


@pytest.mark.parametrize(("rehearsal", "expected"), [("power_law", [20, 30, 60]), ("none", [0, 0, 110])])
def test_rehearsal_of_tasks(rehearsal: str, expected: list[int]) -> None:
    tasks = ["a"] * 200 + ["b"] * 200 + ["c"] * 200
    entry = {"method": "task_stream", "name": "t", "by": "task", "tasks": ["a", "b", "c"], "rehearsal": rehearsal}
    _, ordered = planned(pool(600, task=tasks), [{**entry, "records": 110}])
    last = Counter(tasks[i] for i in ordered.document[ordered.phase == 2])
    assert [last[t] for t in "abc"] == expected
    assert {tasks[i] for i in ordered.document[ordered.phase == 0]} == {"a"}
    with pytest.raises(RecipeError, match=r"phases\[0\]\.tasks.*'d'"):
        planned(pool(600, task=tasks), [{**entry, "tasks": ["a", "d"], "records": 110}])


def test_batches_are_of_pools_whatever_the_labels() -> None:
    labels = ["web"] * 1000 + [f"d{i % 8}+++c{i % 40:02}" for i in range(3000)]
    entry = {"method": "stream", "name": "task", "by": "entry", "tasks": 4, "pretraining": ["web"], "records": 2560}
    entry |= {"rounding": "in_order", "max_epochs": None}
    order = {"method": "stratified", "by": "pool", "batch_size": 256, "rounding": "in_order"}
    plan, ordered = planned(pool(4000, entry=labels), [{**entry, "order": order}])
    for number in (1, 2, 3):
        of = {label: name for name, held in plan.phases[number].pools for label in held}
        rows = ordered.document[ordered.phase == number]
        batches = [Counter(of[labels[i]] for i in rows[a : a + 256]) for a in range(0, 9 * 256, 256)]
        assert batches == [Counter(pretraining=86, update=85, buffer=85)] * 9
    with pytest.raises(RecipeError, match="'pool'"):
        planned(pool(4000, entry=labels), [{"name": "p", "epochs": 1, "order": order}])
