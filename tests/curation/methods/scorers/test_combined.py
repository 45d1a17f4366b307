"""Several scores as one: ranks, their greatest and their weighted mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from scipy.stats import rankdata

from curation.methods.scorers import POOL_WIDE, score
from schemas.errors import RecipeError
from schemas.scorers import Combined


def combined(columns: dict[str, Any], parts: int = 1, **settings: Any) -> np.ndarray[Any, Any]:
    params = Combined.model_validate({"from": "combined", "scores": list(columns), **settings})
    documents = pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})
    of = POOL_WIDE[Combined]
    size = -(-len(documents) // parts)
    partials = [of.partial(documents.slice(i, size), params, seed=0) for i in range(0, len(documents), size)]
    state = of.fit(of.merge(partials[::-1], params), params, seed=0, place="tags.good")
    return score(documents, params, state=state)


DRAW = np.random.default_rng(1)
EDU, FACTS = DRAW.normal(size=500), DRAW.integers(0, 6, size=500).astype(float)


def ranks(values: Any) -> Any:
    return (rankdata(values) - 0.5) / len(values)


def test_the_greatest_rank_of_nemotron_cc() -> None:
    found = combined({"edu": EDU, "facts": FACTS})
    assert found == pytest.approx(np.maximum(ranks(EDU), ranks(FACTS)))
    assert combined({"edu": EDU, "facts": FACTS}, parts=7) == pytest.approx(found, abs=0)
    of_steps = np.maximum((ranks(EDU) * 20).astype(int), (ranks(FACTS) * 20).astype(int))
    assert ((found * 20).astype(int) == of_steps).all()


def test_the_weighted_mean_of_quadmix() -> None:
    found = combined({"edu": EDU, "facts": FACTS}, how="mean", weights=[3, 1])
    assert found == pytest.approx(0.75 * ranks(EDU) + 0.25 * ranks(FACTS))
    plain = combined({"edu": EDU, "facts": FACTS}, how="mean", ranks=False)
    assert plain == pytest.approx((EDU + FACTS) / 2)


def test_a_score_that_is_missing_does_not_count() -> None:
    found = combined({"edu": [1.0, 2.0, None, None], "facts": [None, 1.0, 5.0, None]}, how="mean")
    assert found[:3] == pytest.approx([0.25, (0.75 + 0.25) / 2, 0.75])
    assert np.isnan(found[3])
    with pytest.raises(RecipeError, match="no document has a number 'facts'"):
        combined({"edu": [1.0], "facts": [None]})


def test_a_large_pool_keeps_its_ranks() -> None:
    many = DRAW.normal(size=200_000)
    assert np.abs(combined({"a": many, "b": many}) - ranks(many)).max() < 1e-4


def test_weights_are_of_a_mean_and_as_many() -> None:
    for wrong in ({"weights": [1, 1]}, {"how": "mean", "weights": [1]}, {"how": "mean", "weights": [0, 0]}):
        with pytest.raises(ValidationError):
            Combined.model_validate({"from": "combined", "scores": ["a", "b"], **wrong})
