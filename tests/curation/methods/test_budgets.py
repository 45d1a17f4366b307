"""Apportionment by largest remainder; budgets under caps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods.budgets import allot, apportion
from schemas.mixers import Rounding
from tests.conftest import Vector

weights_of = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=20).filter(lambda w: sum(w) > 1e-3)


@given(weights_of, st.integers(0, 10**9))
def test_apportion_adds_up_and_is_within_one(weights: list[float], total: int) -> None:
    shares = np.array(weights) / np.sum(weights)
    parts = apportion(shares, total)
    assert parts.sum() == total
    assert (np.abs(parts - shares * total) < 1 + 1e-6 * total).all()
    assert (parts >= 0).all()


@given(weights_of, st.floats(0.1, 20), st.sampled_from(["repeat", "redistribute", "stop"]))
def test_allot_keeps_to_caps(weights: list[float], passes: float, exhausted: str) -> None:
    w = np.array(weights) / np.sum(weights)
    have = np.linspace(10, 1000, len(w))
    targets, _ = allot(w, passes * have.sum(), have, exhausted=exhausted, max_epochs=4.0)  # type: ignore[arg-type]
    cap = have if exhausted != "repeat" else 4 * have
    assert (targets <= cap * (1 + 1e-9) + 1e-6).all()
    assert targets.sum() <= passes * have.sum() * (1 + 1e-9)


@given(
    weights_of, st.integers(0, 10**6), st.sampled_from(["last_takes_rest", "in_order", "late_ties", "random", "floor"])
)
def test_official_modes_add_up_and_give_nothing_to_weight_0(weights: list[float], total: int, mode: Rounding) -> None:
    shares = np.array(weights) / np.sum(weights)
    parts = apportion(shares, total, mode, np.random.default_rng(0))
    assert parts.sum() == total if mode != "floor" else total - len(weights) <= parts.sum() <= total
    assert (parts[shares == 0] == 0).all()
    if mode != "last_takes_rest":
        assert (np.abs(parts - shares * total) < 1 + 1e-6 * total).all()


def test_largest_remainder(vector: Vector) -> None:
    given = vector("apportion.largest_remainder")
    for (shares, total), expected in zip(given["input"]["cases(p,n)"], given["output"], strict=True):
        normalised = np.array(shares) / np.sum(shares)
        assert apportion(normalised, total).tolist() == expected


def test_in_order(vector: Vector) -> None:
    given = vector("fomo.batch_mixture")
    for shares, expected in zip(given["input"]["mixtures"], given["output"], strict=True):
        got = apportion(np.array(list(shares.values())), given["input"]["batch"], "in_order")
        assert dict(zip(shares, got.tolist(), strict=True)) == expected


def test_random_shortfall(vector: Vector) -> None:
    given = vector("streaming.apply_weights")
    for total, expected in given["output"].items():
        got = apportion(np.array(given["input"]["proportions"]), int(total), "random", np.random.default_rng(0))
        assert got.sum() >= sum(expected["choose"]) - 1
        assert (np.abs(got - np.array(expected["choose"])) <= 1).all()


@pytest.mark.parametrize("mode", ["late_ties", "largest_remainder"])
def test_ties(mode: Rounding) -> None:
    got = apportion(np.full(4, 0.25), 6, mode).tolist()
    assert got == ([1, 1, 2, 2] if mode == "late_ties" else [2, 2, 1, 1])
