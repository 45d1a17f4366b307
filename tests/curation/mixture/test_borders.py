"""Soft borders: between two phases the weights move, and both sides give half of the stretch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.errors import RecipeError
from tests.curation.methods.schedules.common import planned, pool


def phases(border: int | None = 200, **after: Any) -> list[dict[str, Any]]:
    def mixed(**weights: float) -> dict[str, Any]:
        return {"method": "fixed", "by": "topic", "weights": weights}

    return [
        {"name": "early", "records": 400, "mixture": mixed(a=0.9, b=0.1)},
        {"name": "late", "records": 500, "mixture": mixed(a=0.2, b=0.8), "border": border, **after},
    ]


DOCUMENTS = pool(2000, topic=["a", "b"] * 1000)


def test_the_weights_move_over_the_border() -> None:
    plan, ordered = planned(DOCUMENTS, phases())
    assert [(one.name, sum(one.targets)) for one in plan.phases] == [
        ("early", 300),
        ("early-to-late", 200),
        ("late", 400),
    ]
    is_a = np.array(["ab".index("ab"[row % 2]) for row in ordered.document]) == 0
    parts = [is_a[ordered.phase == number] for number in range(3)]
    assert [part.mean() for part in parts] == pytest.approx([0.9, 0.55, 0.2])
    quarters = [part.mean() for part in np.split(parts[1], 4)]
    assert quarters == pytest.approx([0.9 - 0.7 * t for t in (0.125, 0.375, 0.625, 0.875)], abs=0.02)
    hard, _ = planned(DOCUMENTS, phases(None))
    assert [one.name for one in hard.phases] == ["early", "late"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pool": {"where": {"topic": "b"}}}, "not the same pool and conditioning"),
        ({"conditioning": {"template": "x"}}, "not the same pool and conditioning"),
        ({"records": None, "tokens": 500}, "both tokens, or both records"),
        ({"records": 100}, "nothing is left of 'late'"),
        ({"mixture": {"method": "uniform", "by": "source"}}, "not mixed by the same groups"),
        ({"mixture": None}, "not mixed by the same groups"),
    ],
)
def test_what_has_no_soft_border(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=r"phases\[1\]\.border") as raised:
        planned(DOCUMENTS, phases(**fields))
    assert said in str(raised.value)


def test_there_is_none_before_the_first() -> None:
    with pytest.raises(RecipeError, match=r"phases\[0\]\.border.*none before it"):
        planned(DOCUMENTS, phases()[1:])
