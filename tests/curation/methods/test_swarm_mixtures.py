"""Drawn mixtures: on the simplex, within what groups can give, no two alike, and distributed as the papers say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from curation.methods.mixers import Sizes
from curation.methods.swarm_mixtures import MINIMUM, NEAR, draw_mixtures
from schemas.errors import RecipeError
from schemas.manifest import SwarmDraw

DRAWS: tuple[SwarmDraw, ...] = ("regmix", "olmix")


def sizes_of(*held: int, labels: tuple[str, ...] | None = None) -> Sizes:
    labels = labels or tuple(f"g{i:02}" for i in range(len(held)))
    return Sizes(labels, np.array(held), np.array(held) * 100)


@pytest.mark.parametrize("draw", DRAWS)
@settings(deadline=None, max_examples=15)
@given(
    held=st.lists(st.integers(1, 10_000), min_size=2, max_size=12),
    runs=st.integers(1, 20),
    epochs=st.floats(1, 8),
    share=st.floats(0.01, 0.5),
)
def test_on_the_simplex_within_bounds_and_apart(
    draw: SwarmDraw, held: list[int], runs: int, epochs: float, share: float
) -> None:
    sizes = sizes_of(*held)
    budget = share * sizes.tokens.sum()
    try:
        made = draw_mixtures(draw, sizes, nested=False, runs=runs, budget=budget, max_epochs=epochs, seed=3)
    except RecipeError:  # the bounds may leave too few: said, not bent
        assume(False)
    assert made.shape == (runs, len(held))
    np.testing.assert_allclose(made.sum(axis=1), 1, atol=1e-12)
    assert (made * budget <= sizes.tokens * epochs * (1 + 1e-9)).all()
    least = made[made > 0].min()
    assert least >= MINIMUM[draw] * 0.9  # divided by a sum that is 1 but for rounding
    for i in range(runs):
        others = np.delete(made, i, axis=0)
        assert not len(others) or np.linalg.norm(others - made[i], axis=1).min() > NEAR[draw]
    again = draw_mixtures(draw, sizes, nested=False, runs=runs, budget=budget, max_epochs=epochs, seed=3)
    np.testing.assert_array_equal(made, again)


def plainly(draw: SwarmDraw, held: np.ndarray, outer: list[int] | None, n: int) -> np.ndarray:
    """The papers' procedure in plain loops, with numpy's own randomness: no bounds but RegMix's, nothing removed."""
    random = np.random.default_rng(7)
    shares, made = held / held.sum(), []
    least = MINIMUM[draw]
    while len(made) < n:
        candidates = []
        for strength in np.logspace(np.log10(0.1), np.log10(5), 15):
            if outer is None:
                prior = shares**0.5 / (shares**0.5).sum()
                candidates.append(random.dirichlet(prior * strength))
                continue
            weights = np.empty(len(held))
            tops = np.array([shares[np.array(outer) == k].sum() for k in range(max(outer) + 1)]) ** 0.5
            top = random.dirichlet(tops / tops.sum() * strength)
            for k in range(len(top)):
                mine = np.flatnonzero(np.array(outer) == k)
                inside = shares[mine] ** 0.5
                inside /= (shares[mine].sum()) ** 0.5
                weights[mine] = top[k] * random.dirichlet(inside / inside.sum() * strength)
            candidates.append(weights)
        picked = candidates[random.integers(15)]
        if draw == "regmix" and (picked > np.minimum(15 * shares, 1)).any():
            continue
        picked = np.where(picked < least, 0, picked)
        picked = np.round(picked / picked.sum() / least) * least
        made.append(picked / picked.sum())
    return np.array(made)


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "outer"), [("regmix", None), ("olmix", [0] * 4 + [1] * 4 + [2] * 4), ("olmix", None)])
def test_distributed_as_the_papers_draw(draw: SwarmDraw, outer: list[int] | None) -> None:
    """Mean weights, zeros and greatest weights beside a plain loop's, of which the same near ones are removed."""
    held = np.array([5000, 4000, 3000, 2500, 2000, 1500, 1500, 1000, 900, 800, 700, 600])
    labels = tuple(f"{k}/{i:02}" for i, k in enumerate(outer)) if outer is not None else None
    made = draw_mixtures(
        draw,
        sizes_of(*held.tolist(), labels=labels),
        nested=outer is not None,
        runs=400,
        budget=1,
        max_epochs=None,
        seed=0,
    )
    told = plainly(draw, held, outer if outer is not None else None, 4000)
    wanted = np.empty((0, len(held)))
    for one in told:
        if not len(wanted) or np.linalg.norm(wanted - one, axis=1).min() > NEAR[draw]:
            wanted = np.vstack([wanted, one])
    np.testing.assert_allclose(made.mean(axis=0), wanted.mean(axis=0), atol=0.035)
    assert (made == 0).mean() == pytest.approx((wanted == 0).mean(), abs=0.04)
    assert made.max(axis=1).mean() == pytest.approx(wanted.max(axis=1).mean(), abs=0.04)


def test_no_group_over_fifteen_times_its_share() -> None:
    held = (10_000, 100)
    made = draw_mixtures("regmix", sizes_of(*held), nested=False, runs=200, budget=1, max_epochs=None, seed=0)
    assert made[:, 1].max() <= 15 * 100 / 10_100


def test_what_cannot_be_had_is_said() -> None:
    with pytest.raises(RecipeError, match="one only"):
        draw_mixtures("regmix", sizes_of(10), nested=False, runs=2, budget=1, max_epochs=4, seed=0)
    with pytest.raises(RecipeError, match="give 50% of a run"):
        draw_mixtures("olmix", sizes_of(10, 10), nested=False, runs=2, budget=4000, max_epochs=1, seed=0)
    with pytest.raises(RecipeError, match=r"only .* of 50 mixtures"):
        draw_mixtures("olmix", sizes_of(10, 10), nested=False, runs=50, budget=2000, max_epochs=1, seed=0)
