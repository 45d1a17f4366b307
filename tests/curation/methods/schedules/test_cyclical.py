"""Cyclical curriculum: the published sizes, and what a release of it holds."""

from __future__ import annotations

import numpy as np
import pytest

from curation.methods.schedules.cyclical import fractions, whole_sizes
from schemas.errors import RecipeError
from tests.conftest import Vector
from tests.curation.methods.schedules.common import planned, pool


def test_fractions(vector: Vector) -> None:
    for case in vector("cyclical.fractions")["output"]:
        start, end, alpha, total = case["args"]
        np.testing.assert_allclose(fractions(start, end, alpha, total), case["S"], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "name"), [("cycle", "cycle"), ("sharp_cycle", "sharp_cycle"), ("growing", "lower_to_bigger")]
)
def test_whole_sizes(vector: Vector, shape: str, name: str) -> None:
    given = vector("cyclical.integer_sizes")
    what = given["input"]
    got = whole_sizes(
        what["size"], what["start_percent"], what["end_percent"], what["multiplier"], what["total_sample"], shape
    )
    assert got == given["output"][name]


def test_shrinking() -> None:
    assert fractions(0.25, 1, 0.5, 2.5, "shrinking") == [1, 0.5, 0.25, 0.25, 0.25, 0.25]
    assert fractions(0.25, 1, 0.5, 2.5, "sharp_cycle") == [0.25, 0.5, 1, 0.25, 0.5]


def test_each_mini_epoch_draws_afresh_and_prefers_low_losses() -> None:
    losses = np.linspace(0.1, 5, 400)
    plan, ordered = planned(
        pool(loss=losses.tolist()), [{"method": "cyclical", "name": "cycle", "by": "loss", "epochs": 2}]
    )
    sizes = [int((ordered.phase == i).sum()) for i in range(len(plan.phases))]
    assert sizes == [100, 200, 400, 200]
    first = ordered.document[ordered.phase == 0]
    assert len(set(first.tolist())) == 100
    assert losses[first].mean() < losses.mean() - 0.5
    assert set(first.tolist()) - set(ordered.document[ordered.phase == 1].tolist())


def test_a_subset_without_documents_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"phases\[0\]\.start"):
        planned(pool(3), [{"method": "cyclical", "name": "cycle"}])
