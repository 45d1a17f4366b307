"""The schedule of made pools: positions, epochs, disjoint shares, and that file order does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages import planning
from curation.stages.plan import Feedback
from curation.stages.pool import Labels, Pool
from curation.stages.schedule import Schedule, occurrences
from schemas.errors import RecipeError
from schemas.plan import Plan
from schemas.recipe import Recipe

SOURCES = [{"name": "a", "paths": ["a.jsonl"]}, {"name": "b", "paths": ["b.jsonl"]}]


def pool_of(n: int, seed: int = 0) -> Pool:
    draw = np.random.default_rng(seed)
    tokens = draw.integers(1, 200, n)
    codes = (draw.random(n) < 0.3).astype(np.int32)
    return Pool(
        ids=draw.integers(0, 2**63, (n, 2)).astype(np.uint64),
        partition=np.zeros(n, dtype=np.int32),
        index=np.arange(n, dtype=np.int32),
        bytes_=tokens * 4,
        tokens=tokens,
        columns={"source": Labels(codes, ("a", "b"))},
    )


def made(pool: Pool, **fields: object) -> tuple[Plan, Schedule]:
    recipe = Recipe.model_validate({"name": "x", "sources": SOURCES, **fields})
    return planning.plan_and_schedule(recipe, pool, Feedback())


@given(n=st.integers(30, 300), seed=st.integers(0, 20), share=st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_shares_that_add_up_take_everything_once(n: int, seed: int, share: float) -> None:
    pool = pool_of(n, seed)
    _, ordered = made(pool, phases=[{"name": "p", "share": share}, {"name": "q", "share": 1 - share}])
    assert sorted(ordered.document) == list(range(n))
    assert not ordered.epoch.any()
    assert (np.diff(ordered.phase) >= 0).all()
    first = pool.tokens[ordered.document[ordered.phase == 0]].sum()
    assert abs(first - share * pool.tokens.sum()) <= 200


@given(n=st.integers(30, 200), seed=st.integers(0, 20), epochs=st.floats(0.2, 3.7))
@settings(max_examples=40, deadline=None)
def test_epochs_are_whole_passes_and_a_part(n: int, seed: int, epochs: float) -> None:
    pool = pool_of(n, seed)
    _, ordered = made(pool, phases=[{"name": "p", "epochs": epochs}])
    counts = np.bincount(ordered.document, minlength=n)
    assert set(counts) <= {int(epochs), int(epochs) + 1}
    assert abs(pool.tokens[ordered.document].sum() - epochs * pool.tokens.sum()) <= 200 * 2
    np.testing.assert_array_equal(np.bincount(ordered.epoch, minlength=1)[0], (counts > 0).sum())


@given(n=st.integers(20, 200), seed=st.integers(0, 20), records=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_records_are_met_exactly(n: int, seed: int, records: int) -> None:
    _, ordered = made(pool_of(n, seed), phases=[{"name": "p", "records": records}])
    assert len(ordered.document) == records


def test_the_order_of_files_does_not_matter() -> None:
    pool = pool_of(100)
    shuffled = np.random.default_rng(5).permutation(100)
    other = Pool(
        ids=pool.ids[shuffled],
        partition=pool.partition,
        index=pool.index,
        bytes_=pool.bytes_[shuffled],
        tokens=pool.tokens[shuffled],
        columns={"source": Labels(pool.columns["source"].codes[shuffled], ("a", "b"))},  # type: ignore[union-attr]
    )
    phases = [{"name": "p", "epochs": 1.5}, {"name": "q", "tokens": 3000, "order": {"method": "sort", "by": "tokens"}}]
    (_, one), (_, two) = made(pool, phases=phases), made(other, phases=phases)
    np.testing.assert_array_equal(pool.ids[one.document], other.ids[two.document])


def test_fixed_weights_are_realised() -> None:
    pool = pool_of(400)
    mixture = {"method": "fixed", "weights": {"a": 0.2, "b": 0.8}}
    plan, ordered = made(pool, mixture=mixture, phases=[{"name": "p", "tokens": 10_000}])
    of_b = pool.columns["source"].codes[ordered.document] == 1  # type: ignore[union-attr]
    tokens = pool.tokens[ordered.document]
    assert plan.phases[0].weights == (0.2, 0.8)
    assert abs(tokens[of_b].sum() - 8000) <= 200
    assert abs(tokens.sum() - 10_000) <= 200


def test_a_budget_that_the_pool_cannot_give_is_refused() -> None:
    with pytest.raises(RecipeError, match="lower the budget"):
        made(pool_of(10), phases=[{"name": "p", "tokens": 10**9}])


def test_occurrences() -> None:
    np.testing.assert_array_equal(occurrences(np.array([3, 1, 3, 3, 1, 0], dtype=np.int32)), [0, 0, 1, 2, 1, 0])
