"""Proportional, fixed, uniform, temperature, UniMax, Zipf, pools: numbers of the sources, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from curation.methods.mixers.unimax import budgets
from curation.methods.mixers.zipf import of_ranks
from schemas.errors import RecipeError
from schemas.mixers import Fixed, Pools, Proportional, Temperature, Uniform, UniMax, Zipf
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, sizes, weights

GROUPS = sizes(a=100, b=400, c=500)


def test_proportional() -> None:
    np.testing.assert_allclose(weights(GROUPS, Proportional()), [0.1, 0.4, 0.5])


def test_temperature(vector: Vector) -> None:
    given = vector("temperature")
    for t, expected in given["output"].items():
        params = Temperature(method="temperature", temperature=float(t))
        np.testing.assert_allclose(weights(numbered(*given["input"]["n"]), params), expected, atol=1e-6)


def test_temperature_of_regmix_is_an_exponent(vector: Vector) -> None:
    given = vector("regmix.temperature")
    groups = numbered(*[10_000 * p for p in given["input"]["prior"]])
    got = weights(groups, Temperature(method="temperature", temperature=2))
    np.testing.assert_allclose(got, given["output"]["tempered"], atol=1e-6)


def test_fixed() -> None:
    wanted = {"a": 0.2, "b": 0.3, "c": 0.5}
    np.testing.assert_allclose(weights(GROUPS, Fixed(method="fixed", weights=wanted)), [0.2, 0.3, 0.5])
    with pytest.raises(RecipeError, match="nobody"):
        weights(GROUPS, Fixed(method="fixed", weights={**wanted, "c": 0.4, "nobody": 0.1}))
    with pytest.raises(RecipeError, match=r"mixture\.weights.*sum to 0\.9"):
        weights(GROUPS, Fixed(method="fixed", weights={"a": 0.9}))


def test_stability_gap_mixture(vector: Vector) -> None:
    given = vector("stability.mixture")
    shares = given["output"]["shares"]
    got = weights(sizes(**dict.fromkeys(shares, 10)), Fixed(method="fixed", weights=shares))
    budget = given["input"]["budget"]
    assert {k: pytest.approx(v) for k, v in given["output"]["tokens"].items()} == dict(
        zip(sorted(shares), got * budget, strict=True)
    )
    assert 1 - shares["HQ-domain"] == pytest.approx(given["output"]["replay_share"])


def test_uniform_over_the_support_is_stratified(vector: Vector) -> None:
    given = vector("skillit.stratified")
    groups = numbered(1, 2, 3, 4, 5)
    np.testing.assert_allclose(weights(groups, Uniform(method="uniform")), given["output"]["continual_pretraining"])
    support = Uniform(method="uniform", labels=["01", "02"])
    expected = given["output"]["fine_tuning(prereqs∪target)"]
    np.testing.assert_allclose(weights(numbered(1, 2, 3), support), expected)
    expected = given["output"]["out_of_domain(k_train=3)"]
    np.testing.assert_allclose(weights(numbered(1, 2, 3), Uniform(method="uniform")), expected, atol=1e-6)


def test_unimax(vector: Vector) -> None:
    given = vector("unimax.a")
    what = given["input"]
    got = budgets(np.array(what["sizes"]), what["budget"], what["max_epochs"])
    np.testing.assert_allclose(got, given["output"]["tokens"])
    params = UniMax(method="unimax", epochs=what["max_epochs"])
    np.testing.assert_allclose(weights(numbered(*what["sizes"]), params, budget=what["budget"]), given["output"]["p"])


def test_unimax_where_every_group_is_capped() -> None:
    assert budgets(np.array([1.0, 2.0]), 100, 4).tolist() == [4, 8]


def test_zipf(vector: Vector) -> None:
    given = vector("icl.zipf")
    for alpha, expected in given["output"].items():
        p = of_ranks(given["input"]["K"], float(alpha))
        np.testing.assert_allclose([p[0], p[1], p[-1]], [expected[k] for k in ("p1", "p2", "p128")], rtol=1e-3)
        assert -(p * np.log(p)).sum() == pytest.approx(expected["entropy_nats"], abs=1e-5)
    by_size = weights(GROUPS, Zipf(method="zipf", exponent=1))
    np.testing.assert_allclose(by_size, np.array([1 / 3, 1 / 2, 1]) / (11 / 6))
    with pytest.raises(RecipeError, match="twice"):
        weights(GROUPS, Zipf(method="zipf", ranks=["a", "a"]))


def test_pools() -> None:
    params = Pools(
        method="pools",
        pools={"new": ["a"], "old": ["b", "c"], "none": []},
        weights={"new": 0.4, "old": 0.4, "none": 0.2},
    )
    np.testing.assert_allclose(weights(GROUPS, params), [0.5, 0.5 * 4 / 9, 0.5 * 5 / 9])
    with pytest.raises(RecipeError, match="two pools"):
        weights(GROUPS, Pools(method="pools", pools={"x": ["a"], "y": ["a"]}, weights={"x": 0.5, "y": 0.5}))
