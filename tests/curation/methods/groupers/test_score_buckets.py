from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from curation.methods.groupers import POOL_WIDE, group
from curation.methods.groupers.score_buckets import edges_of
from schemas.errors import RecipeError
from schemas.groupers import ScoreBuckets


def levels(scores: list[float | None], parts: int = 1, **settings: Any) -> list[str | None]:
    params = ScoreBuckets.model_validate({"from": "score_buckets", "by": "clip", **settings})
    documents = pa.table({"text": [""] * len(scores), "clip": pa.array(scores, pa.float64())})
    steps = POOL_WIDE[ScoreBuckets]
    size = -(-len(scores) // parts)
    partials = [steps.partial(documents.slice(i, size), params, seed=0) for i in range(0, len(scores), size)]
    state = steps.fit(steps.merge(partials[::-1], params), params, seed=0, place="tags.level")
    return group(documents, params, state=state).to_pylist()


def test_the_levels_of_aligngpt(vector: Callable[[str], dict[str, Any]]) -> None:
    published = vector("aligngpt.levels")
    scores = published["input"]["clip_scores"]
    assert edges_of(np.array(scores), 5) == pytest.approx(published["output"]["edges"])
    assert levels(scores) == [str(level) for level in published["output"]["levels"]]
    assert levels(scores, parts=3) == levels(scores)


def test_no_score_no_level_and_many_levels_sort() -> None:
    labels = levels([None, *range(24)], buckets=12)
    assert labels[0] is None
    assert labels[1:] == sorted(labels[1:])
    assert labels[1] == "01"


def test_given_edges() -> None:
    assert levels([0.0, 1.0, 2.0], edges=[1.0]) == ["1", "2", "2"]


def test_a_pool_without_scores_is_an_error() -> None:
    with pytest.raises(RecipeError, match=r"^tags\.level\.by: no document has a number 'clip'"):
        levels([None, None])
