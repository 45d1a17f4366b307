"""Steps of equal tokens inside groups: exact, however the documents are spread over batches and partitions."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods.groupers import POOL_WIDE, group
from schemas.errors import RecipeError
from schemas.groupers import QuantileSteps


def documents_of(rows: list[tuple[float | None, str | None, int]]) -> pa.Table:
    """A table of (score, topic, tokens)."""
    return pa.table(
        {
            "id": [hashlib.sha256(str(i).encode()).hexdigest()[:32] for i in range(len(rows))],
            "text": ["x" * 4 * tokens for _, _, tokens in rows],
            "score": pa.array([score for score, _, _ in rows], pa.float64()),
            "topic": pa.array([topic for _, topic, _ in rows], pa.string()),
        }
    )


def steps(documents: pa.Table, parts: int = 1, **settings: Any) -> list[str | None]:
    params = QuantileSteps.model_validate({"from": "quantile_steps", "by": "score", **settings})
    of = POOL_WIDE[QuantileSteps]
    size = -(-len(documents) // parts)
    pieces = [documents.slice(i, size).combine_chunks() for i in range(0, len(documents), size)]
    state = of.fit(
        of.merge([of.partial(one, params, seed=0) for one in pieces][::-1], params), params, seed=0, place="tags.step"
    )
    found: list[str | None] = []
    for one in pieces:
        found += group(one, params, state=state).to_pylist()
    return found


rows = st.lists(
    st.tuples(st.integers(0, 5).map(float), st.sampled_from(["a", "b"]), st.integers(1, 9)), min_size=1, max_size=200
)


@given(rows, st.integers(2, 6), st.integers(1, 5))
def test_equal_tokens_to_a_document(rows: list[tuple[float, str, int]], asked: int, parts: int) -> None:
    documents = documents_of(rows)  # type: ignore[arg-type]
    try:
        found = steps(documents, steps=asked, within="topic")
    except RecipeError:
        return
    assert steps(documents, parts=parts, steps=asked, within="topic") == found
    for topic in {topic for _, topic, _ in rows}:
        mine = [(score, step, tokens) for (score, of, tokens), step in zip(rows, found, strict=True) if of == topic]
        sums: Counter[str] = Counter()
        for _, step, tokens in mine:
            assert step is not None
            sums[step] += tokens
        largest = max(tokens for _, _, tokens in mine)
        wanted = sum(sums.values()) / asked
        assert len(sums) == asked
        assert all(abs(one - wanted) <= largest for one in sums.values())
        ordered = sorted(mine)
        highest = [max(score for score, at, _ in ordered if at == step) for step in sorted(sums)]
        assert highest == sorted(highest)


def test_no_score_and_no_group_have_no_step() -> None:
    found = steps(documents_of([(1.0, "a", 3), (2.0, "a", 3), (None, "a", 3), (1.5, None, 3)]), steps=2, within="topic")
    assert found == ["1", "2", None, None]


def test_steps_that_stay_empty_are_refused() -> None:
    few = documents_of([(float(i), "big", 5) for i in range(100)] + [(1.0, "small", 5)] * 3)
    with pytest.raises(RecipeError, match="3 documents of topic 'small' cannot fill 20 steps") as error:
        steps(few, within="topic")
    assert error.value.place == "tags.step.steps"
    with pytest.raises(RecipeError, match="no document has a number 'score'"):
        steps(documents_of([(None, "a", 1)]))


def test_they_are_twenty_by_default_and_sort() -> None:
    found = steps(documents_of([(float(s), "a", 2) for s in np.random.default_rng(0).permutation(400)]))
    assert Counter(found) == {f"{i + 1:02}": 20 for i in range(20)}
