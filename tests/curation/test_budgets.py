"""Apportionment by largest remainder; budgets under caps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.budgets import allot, apportion

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
