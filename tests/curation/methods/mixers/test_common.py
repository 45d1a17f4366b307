"""Contracts of every mixer: weights are not negative, sum to 1, and follow the groups' order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.methods import mixers
from curation.methods.mixers.unimax import budgets
from curation.methods.mixers.zipf import of_ranks
from schemas import mixers as models
from schemas.errors import RecipeError
from schemas.mixers import Fixed, Pools, Proportional, Temperature, Uniform, UniMax, Zipf
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, report, sizes, weights

LABELS = ["00", "01", "02", "03"]


def example(model: type, folder: Path) -> Any:
    """A valid setting of each mixer for the groups LABELS."""
    if model in (models.RegMix, models.MixingLaw, models.Olmix):
        draw = np.random.default_rng(0)
        rows = [",".join([*LABELS, "loss"])]
        for mixture in draw.dirichlet(np.ones(4), size=64):
            rows.append(",".join(f"{x:.6f}" for x in [*mixture, 2 + mixture[0] ** 2]))
        (folder / "runs.csv").write_text("\n".join(rows))
    graph = {a: {b: float(a >= b) for b in LABELS} for a in LABELS}
    runs = str(folder / "runs.csv")
    extra: dict[type, dict[str, Any]] = {
        models.Fixed: {"weights": {"00": 0.5, "03": 0.5}},
        models.Pools: {"pools": {"x": ["00"], "y": ["01", "02"]}, "weights": {"x": 0.3, "y": 0.7}},
        models.PowerLawRehearsal: {"tasks": ["02", "00"]},
        models.ExponentialRehearsal: {"tasks": ["02", "00"]},
        models.SkillIt: {"graph": graph, "online": True},
        models.RegMix: {"runs": runs, "target": "loss", "simulations": 500, "best": 16},
        models.MixingLaw: {"runs": runs, "targets": {"loss": 1}},
        models.Moving: {"start": {"method": "uniform"}, "end": {"method": "temperature"}},
        models.Olmix: {"runs": runs, "targets": {"loss": 1}},
    }
    method = model.model_fields["method"].annotation.__args__[0]  # type: ignore[attr-defined]
    return model.model_validate({"method": method, **extra.get(model, {})})  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", list(mixers.FUNCTIONS), ids=lambda model: model.__name__)
def test_weights_are_on_the_simplex(model: type, tmp_path: Path) -> None:
    if model is models.RegMix:
        pytest.importorskip("lightgbm")
    params = example(model, tmp_path)
    rows = [
        {"group": a, "probe": b, "loss": 1.5 + int(a) / 9 - (a == b) / 5, "ref_loss": 1.6, "alignment": int(a) - 1.0}
        for a in LABELS
        for b in LABELS
    ]
    losses = report(tmp_path, rows)
    few = 5 if model in (models.RegMix, models.MixingLaw, models.Olmix) else 25

    @settings(max_examples=few, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(tokens=st.lists(st.integers(1, 10**12), min_size=4, max_size=4))
    def check(tokens: list[int]) -> None:
        got = weights(numbered(*tokens), params, losses=losses, budget=float(sum(tokens)))
        assert got.shape == (4,)
        assert (got >= 0).all()
        assert got.sum() == pytest.approx(1, abs=1e-9)

    check()
    json.dumps(params.model_dump())


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
