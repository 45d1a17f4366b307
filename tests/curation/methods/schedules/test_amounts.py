"""TÜLU 3's amounts and UDR's rates."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from curation.methods.schedules import expand
from curation.methods.selectors.candidates import share_of
from schemas.errors import RecipeError
from schemas.schedules import Amounts
from tests.conftest import Vector
from tests.curation.methods.schedules.common import context, planned, pool


def test_counts_and_shares(vector: Vector) -> None:
    given = vector("tulu3.mixer")
    n, spec, counts = given["input"]["n"], given["input"]["spec"], given["output"]["counts"]
    for amount, expected in zip(spec, counts, strict=True):
        fields: dict[str, Any] = {"records": {"a": amount}} if isinstance(amount, int) else {"shares": {"a": amount}}
        [phase] = expand(Amounts.model_validate({"method": "amounts", "name": "m", "by": "g", **fields}), context(a=n))
        assert phase.records == expected


def test_rates(vector: Vector) -> None:
    given = vector("udr.sampling")
    what = given["input"]
    got = [share_of(rate, n) for n, rate in zip(what["max_iterations"], what["rates"], strict=True)]
    assert got == given["output"]["iterations"]


def test_more_than_a_group_has_is_whole_copies_and_a_part() -> None:
    groups = ["a"] * 10 + ["b"] * 50
    entry = {"method": "amounts", "name": "m", "by": "g", "records": {"a": 25}, "shares": {"b": 0.5}}
    _, ordered = planned(pool(60, g=groups), [entry])
    counts = Counter(ordered.document.tolist())
    assert Counter(groups[i] for i in ordered.document) == {"a": 25, "b": 25}
    assert sorted(Counter(counts[i] for i in range(10)).items()) == [(2, 5), (3, 5)]
    with pytest.raises(RecipeError, match=r"records.*'c'"):
        planned(pool(60, g=groups), [{**entry, "records": {"c": 1}}])
