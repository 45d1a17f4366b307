"""The schedule of made pools: positions, epochs, disjoint shares, and that file order does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.mixture import planning
from curation.mixture.plan import Feedback
from curation.mixture.pool import Labels, Pool, Written, written_key
from curation.mixture.schedule import Schedule, occurrences
from curation.mixture.targets import misses
from schemas.errors import RecipeError
from schemas.formatters import Template
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


@given(
    n=st.integers(3, 120),
    seed=st.integers(0, 50),
    cut=st.tuples(st.floats(0.01, 0.98), st.floats(0.01, 0.98)),
    by=st.sampled_from(["proportional", "uniform", "temperature"]),
)
@settings(max_examples=80, deadline=None)
def test_shares_are_of_what_is_written(n: int, seed: int, cut: tuple[float, float], by: str) -> None:
    """Two formats that differ from document to document: disjoint phases, none empty, each with its share to the
    nearest document (of those that there are: the middle of a tiny pool cannot be cut finer)."""
    pool = pool_of(n, seed)
    prefixed = {"template": "URL: {url} "}
    key = written_key(Template.model_validate(prefixed))
    longer = pool.tokens + np.random.default_rng(seed + 1).integers(0, 300, n)
    pool.written[key] = Written((longer * 4).astype(np.uint32), longer.astype(np.int32))
    low, high = sorted(cut)
    shares = {"a": low, "b": high - low, "c": 1 - high}
    if min(shares.values()) < 0.01:
        return
    phases = [{"name": name, "share": share, "conditioning": prefixed} for name, share in shares.items()]
    phases[1 if seed % 2 else 2]["conditioning"] = None
    plan, ordered = made(pool, phases=phases, mixture={"method": by})
    assert sorted(ordered.document) == list(range(n))
    sizes = [pool.tokens_in(p.conditioning)[ordered.document[ordered.phase == i]] for i, p in enumerate(plan.phases)]
    assert all(len(size) for size in sizes)
    total, largest = sum(size.sum() for size in sizes), max(pool.tokens.max(), longer.max())
    for size, share in zip(sizes, shares.values(), strict=True):
        assert n < 12 or abs(size.sum() - share * total) <= 1.5 * largest
    assert len(misses(plan, [(len(size), int(size.sum())) for size in sizes])) == sum(
        abs(size.sum() / share / total - 1) > 0.01 for size, share in zip(sizes, shares.values(), strict=True)
    )


@given(
    n=st.integers(2, 100),
    seed=st.integers(0, 50),
    tokens=st.integers(1, 5000),
    passes=st.integers(1, 4),
    method=st.sampled_from(["temperature", "uniform", "unimax"]),
    exhausted=st.sampled_from(["repeat", "redistribute", "stop"]),
    unit=st.sampled_from(["tokens", "records"]),
    rounding=st.sampled_from(["largest_remainder", "last_takes_rest", "in_order", "floor"]),
)
@settings(max_examples=150, deadline=None)
def test_budgets_are_met_to_the_nearest_document_and_caps_are_kept(
    n: int, seed: int, tokens: int, passes: int, method: str, exhausted: str, unit: str, rounding: str
) -> None:
    pool = pool_of(n, seed)
    cap = {"epochs": passes} if method == "unimax" else {"max_epochs": passes}
    budget = tokens if unit == "tokens" else max(1, tokens // 50)
    mixture = {"method": method, "exhausted": exhausted, "rounding": rounding, **cap}
    try:
        plan, ordered = made(pool, phases=[{"name": "p", unit: budget, "mixture": mixture}])
    except RecipeError as error:
        assert "lower the budget" in str(error)  # noqa: PT017
        return
    assert len(ordered.document)
    assert np.bincount(ordered.document).max() <= (passes if exhausted == "repeat" else 1)
    target = sum(plan.phases[0].targets)
    got = len(ordered.document) if unit == "records" else pool.tokens[ordered.document].sum()
    assert (
        abs(got - target) <= (0 if unit == "records" and target >= 1 else pool.tokens.max() / 2 + 1)
        or got <= pool.tokens.max()
    )
    if target < 0.99 * budget and rounding != "floor":
        assert any("stops short" in note for note in ordered.notes[0])


def test_occurrences() -> None:
    np.testing.assert_array_equal(occurrences(np.array([3, 1, 3, 3, 1, 0], dtype=np.int32)), [0, 0, 1, 2, 1, 0])
