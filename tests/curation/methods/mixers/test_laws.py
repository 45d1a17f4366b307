"""Data-mixing laws, Olmix and RegMix: published numbers, laws recovered from runs, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curation.methods.mixers.mixing_law import predict
from curation.methods.mixers.olmix import propose
from schemas.errors import RecipeError
from schemas.mixers import MixingLaw, Olmix, RegMix
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, sizes, weights


def runs_of(folder: Path, n: int = 200) -> str:
    """Proxy runs of three groups whose loss is least at (0.6, 0.3, 0.1)."""
    draw = np.random.default_rng(0)
    mixtures = draw.dirichlet([1, 1, 1], size=n)
    loss = 2 + ((mixtures - np.array([0.6, 0.3, 0.1])) ** 2).sum(axis=1)
    path = folder / "runs.csv"
    pl.DataFrame({"a": mixtures[:, 0], "b": mixtures[:, 1], "c": mixtures[:, 2], "loss": loss}).write_csv(path)
    return str(path)


def test_mixing_law(vector: Vector, tmp_path: Path) -> None:
    given = vector("mixinglaw.predict")["input"]
    got = predict(*(np.array(given[k]) for k in ("x", "a", "b", "m")))
    np.testing.assert_allclose(got, vector("mixinglaw.predict")["output"]["L"], atol=1e-6)
    path = tmp_path / "law.json"
    path.write_text(json.dumps({"labels": ["00", "01"], **{k: given[k] for k in ("a", "b", "m")}}))
    best = weights(numbered(10, 10), MixingLaw(method="mixing_law", law=str(path)))
    grid = np.linspace(0, 1, 1001)
    losses = [predict(np.array([x, 1 - x]), *(np.array(given[k]) for k in ("a", "b", "m"))).sum() for x in grid]
    assert best[0] == pytest.approx(grid[int(np.argmin(losses))], abs=2e-3)
    with pytest.raises(RecipeError, match="no label '02'"):
        weights(numbered(1, 1, 1), MixingLaw(method="mixing_law", law=str(path)))


def test_a_mixing_law_is_recovered_from_runs(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    a, b, m = np.array([1.2, 0.8]), np.array([2.0, 1.5]), np.array([[-1.5, 0.3], [0.2, -2.0], [-0.4, -0.2]])
    mixtures = draw.dirichlet([1, 1, 1], size=120)
    losses = np.array([predict(x, a, b, m) for x in mixtures])
    path = tmp_path / "runs.parquet"
    pl.DataFrame(
        {**{label: mixtures[:, i] for i, label in enumerate("abc")}, "x": losses[:, 0], "y": losses[:, 1]}
    ).write_parquet(path)
    got = weights(sizes(a=10, b=10, c=10), MixingLaw(method="mixing_law", runs=str(path), targets={"x": 1, "y": 1}))
    true = predict(got, a, b, m).sum()
    assert true <= min(losses.sum(axis=1)) + 1e-3


def test_olmix(vector: Vector, tmp_path: Path) -> None:
    given, out = vector("olmix.exact")["input"], vector("olmix.exact")["output"]
    slopes, prior = np.array(given["A(task×domain)"]), np.array(given["prior"])
    task = np.array(given["task_weights"])
    np.testing.assert_allclose(
        propose(slopes, task, prior, given["kl_reg"], np.ones(3)), out["x_unconstrained"], atol=1e-4
    )
    caps = np.array(given["caps_case"])
    np.testing.assert_allclose(propose(slopes, task, prior, given["kl_reg"], caps), out["x_capped"], atol=1e-4)
    path = tmp_path / "law.json"
    path.write_text(json.dumps({"labels": ["00", "01", "02"], "t": slopes.tolist()}))
    params = Olmix(method="olmix", law=str(path), prior={"00": 0.5, "01": 0.3, "02": 0.2}, repetition=1)
    got = weights(numbered(200, 1000, 500), params, budget=1000)
    np.testing.assert_allclose(got, out["x_capped"], atol=1e-4)
    with pytest.raises(RecipeError, match="repetition"):
        weights(numbered(200, 1000, 500), params, budget=10_000)


def test_olmix_from_runs_moves_to_what_lowers_the_loss(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    mixtures = draw.dirichlet([1, 1, 1], size=200)
    loss = np.exp(0.5) + np.exp(mixtures @ np.array([-1.0, 0.5, 0.2]))
    path = tmp_path / "runs.csv"
    pl.DataFrame({"a": mixtures[:, 0], "b": mixtures[:, 1], "c": mixtures[:, 2], "loss": loss}).write_csv(path)
    params = Olmix(method="olmix", runs=str(path), targets={"loss": 1}, kl=0.05, repetition=None)
    got = weights(sizes(a=10, b=10, c=10), params)
    expected = propose(np.array([[-1.0, 0.5, 0.2]]), np.ones(1), np.full(3, 1 / 3), 0.05, np.ones(3))
    np.testing.assert_allclose(got, expected, atol=0.02)


def test_regmix(tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    params = RegMix(method="regmix", runs=runs_of(tmp_path, 500), target="loss", simulations=20_000)
    got = weights(sizes(a=10, b=10, c=10), params)
    np.testing.assert_allclose(got, [0.6, 0.3, 0.1], atol=0.1)
    np.testing.assert_array_equal(got, weights(sizes(a=10, b=10, c=10), params))


def test_bad_runs(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("a,b,loss\n0.5,0.5,1\n0.5,0.5,oops\n")
    with pytest.raises(RecipeError, match="row 1: 'loss' is no finite number"):
        weights(sizes(a=1, b=1), RegMix(method="regmix", runs=str(path), target="loss"))
    with pytest.raises(RecipeError, match="no column 'c'"):
        weights(sizes(a=1, c=1), RegMix(method="regmix", runs=str(path), target="loss"))
    with pytest.raises(RecipeError, match="no such file"):
        weights(sizes(a=1), RegMix(method="regmix", runs=str(tmp_path / "none.csv"), target="loss"))
