"""CORGI's four orders on the toy course."""

from __future__ import annotations

from typing import Any

import pytest

from curation.methods.orders import OrderKeys
from tests.conftest import Vector
from tests.curation.methods.orders.common import keys, ordered

FIELDS = {"subject": "subject", "stage": "stage", "concept": "concept", "level": "bloom"}


def course(records: list[dict[str, Any]]) -> OrderKeys:
    return keys(len(records), **{name: [r[name] for r in records] for name in ("subject", "stage", "concept", "bloom")})


@pytest.mark.parametrize("method", ["blocking", "spiral", "interleaving"])
def test_toy_course(vector: Vector, method: str) -> None:
    given = vector("corgi.orderings_toy")
    records = given["input"]["records"]
    got = ordered(course(records), method, **FIELDS)
    assert [records[i]["id"] for i in got] == given["output"][method]


def test_clustering_keeps_concepts_whole(vector: Vector) -> None:
    records = vector("corgi.orderings_toy")["input"]["records"]
    got = [records[i] for i in ordered(course(records), "clustering", **FIELDS)]
    blocks = [got[i : i + 3] for i in range(0, 12, 3)]
    for block in blocks:
        assert len({(r["subject"], r["concept"]) for r in block}) == 1
        assert [r["bloom"] for r in block] == [1, 2, 3]
    orders = {tuple(ordered(course(records), "clustering", seed=seed, **FIELDS)) for seed in range(8)}
    assert len(orders) > 3


def test_a_missing_label_is_last_in_its_level() -> None:
    documents = keys(4, subject=["a", None, "b", "a"], bloom=[1, 1, 1, 2])
    assert ordered(documents, "interleaving", subject="subject", level="bloom") == [0, 2, 1, 3]
    assert ordered(documents, "blocking", subject="subject", level="bloom") == [0, 3, 2, 1]
