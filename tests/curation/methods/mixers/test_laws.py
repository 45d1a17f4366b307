"""Data-mixing laws, Olmix and RegMix: published numbers, laws recovered from runs, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter

from curation.methods.mixers import MixContext, mix
from curation.methods.mixers.mixing_law import predict
from curation.methods.mixers.olmix import propose
from schemas.errors import RecipeError
from schemas.mixers import MixingLaw, Mixture, Olmix, RegMix
from schemas.plan import Fit
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, report, sizes, weights


def mixture(**fields: Any) -> Any:
    return TypeAdapter[Any](Mixture).validate_python(fields)


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


@pytest.mark.slow
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


def table_of(path: Path, rows: int, seed: int, slopes: list[float], noise: float = 0.0) -> str:
    draw = np.random.default_rng(seed)
    mixtures = draw.dirichlet([1, 1, 1], size=rows)
    loss = np.exp(0.5) + np.exp(mixtures @ np.array(slopes)) + draw.normal(size=rows) * noise
    pl.DataFrame({"a": mixtures[:, 0], "b": mixtures[:, 1], "c": mixtures[:, 2], "loss": loss}).write_csv(path)
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["regmix", "olmix", "mixing_law"])
def test_a_fit_shows_its_worth_on_other_runs(tmp_path: Path, method: str) -> None:
    """Next to all on runs of the same law, nothing on those of another; and it changes no weight."""
    if method == "regmix":
        pytest.importorskip("lightgbm")
    slopes = [-1.0, 0.5, 0.2]
    fields: dict[str, object] = {"method": method, "runs": table_of(tmp_path / "runs.csv", 200, 1, slopes, 0.002)}
    fields |= {"target": "loss", "simulations": 2_000} if method == "regmix" else {"targets": {"loss": 2.0}}
    plain = weights(sizes(a=10, b=10, c=10), mixture(**fields))
    found: dict[str, Fit] = {}
    for name, of in (("same", slopes), ("other", slopes[::-1])):
        context = MixContext(fits=[])
        checked = mixture(**fields, check=table_of(tmp_path / f"{name}.csv", 90, 2, of))
        assert mix(sizes(a=10, b=10, c=10), checked, context).tolist() == plain.tolist()
        [found[name]] = context.fits
    assert (found["same"].runs, found["same"].checked) == (200, 90)
    assert found["same"].rank_correlation is not None
    assert found["other"].rank_correlation is not None
    assert found["same"].mean_absolute_error is not None
    assert found["same"].rank_correlation > 0.97
    assert found["same"].mean_absolute_error < 0.03
    assert found["other"].rank_correlation < 0.5
    assert np.abs(np.array(found["same"].predicted) - found["same"].seen).mean() == pytest.approx(
        found["same"].mean_absolute_error, abs=1e-6
    )


@pytest.mark.parametrize("method", ["doge", "aioli"])
def test_what_an_online_mixture_learned_ranks_other_runs(tmp_path: Path, method: str) -> None:
    """The better a domain is for the loss, the lower the loss of mixtures with more of it."""
    gains = {"a": 0.9, "b": 0.1, "c": 0.4}
    if method == "doge":
        rows = [{"group": group, "alignment": gain} for group, gain in gains.items()]
    else:
        rows = [
            {"probe": probe, "group": group, "ref_loss": 3.0, "loss": 3.0 - gain * (0.6 if probe == group else 0.2)}
            for probe, gain in gains.items()
            for group in gains
        ]
    check = table_of(tmp_path / "check.csv", 60, 3, [-0.9, -0.1, -0.4])
    context = MixContext(losses=report(tmp_path, rows), fits=[])
    mix(sizes(a=10, b=10, c=10), mixture(method=method, check=check), context)
    [fit] = context.fits
    assert fit.checked == 60
    assert fit.mean_absolute_error is None
    assert fit.rank_correlation is not None
    assert fit.rank_correlation > 0.9


def test_runs_to_check_that_are_none(tmp_path: Path) -> None:
    runs = table_of(tmp_path / "runs.csv", 40, 1, [-1.0, 0.5, 0.2])
    for text, said in (("a,b,loss\n1,0,1\n", "no column 'c'"), ("a,b,c,loss\n1,0,0,1\n", "1 runs; a rank correlation needs 3"), ("a,b,c,loss\n1,0,0,nan\n", "row 0: 'loss'")):  # fmt: skip
        (tmp_path / "check.csv").write_text(text)
        params = mixture(method="olmix", runs=runs, targets={"loss": 1}, check=str(tmp_path / "check.csv"))
        with pytest.raises(RecipeError, match=said) as error:
            weights(sizes(a=1, b=1, c=1), params)
        assert error.value.place == "mixture.check"
