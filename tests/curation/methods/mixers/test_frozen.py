"""On a law whose optimum is known: a fit comes near it, and after a change a fit with the old groups frozen does with fewer runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from curation.methods.mixers import MixContext, Sizes, mix
from curation.methods.mixers.olmix import propose
from schemas.errors import RecipeError
from schemas.mixers import Mixture

OLD = tuple("abcdefgh")
ALL = (*OLD, "new")
SLOPES = np.array([[-0.9, 0.4, -0.2, 0.8, 0.1, -0.5, 0.6, 0.0, -0.7], [0.5, -0.8, 0.3, 0.2, -0.6, 0.1, -0.1, 0.4, 0.1]])
"""Two tasks, each group's pull on it."""
NOISE = 0.003
FIRST, AGAIN = 128, 48
"""Runs of the first fit, and after the change: 37 %."""


def losses(mixtures: Any, labels: tuple[str, ...]) -> Any:
    return 2.0 + np.exp(mixtures @ SLOPES[:, : len(labels)].T)


def table(path: Path, mixtures: Any, labels: tuple[str, ...], seed: int) -> str:
    seen = losses(mixtures, labels) + np.random.default_rng(seed).normal(size=(len(mixtures), 2)) * NOISE
    columns = {label: mixtures[:, i] for i, label in enumerate(labels)}
    pl.DataFrame({**columns, "first": seen[:, 0], "second": seen[:, 1]}).write_csv(path)
    return str(path)


def sizes(labels: tuple[str, ...]) -> Sizes:
    return Sizes(labels, np.full(len(labels), 100), np.full(len(labels), 10_000))


def fitted(labels: tuple[str, ...], **fields: Any) -> Any:
    params = {"method": "olmix", "targets": {"first": 1, "second": 1}, "kl": 0.0, "repetition": None, **fields}
    order = tuple(sorted(labels))
    found = mix(sizes(order), TypeAdapter[Any](Mixture).validate_python(params), MixContext(budget=1_000))
    return found[[order.index(label) for label in labels]]


def regret(weights: Any, labels: tuple[str, ...]) -> float:
    n = len(labels)
    best = propose(SLOPES[:, :n], np.full(2, 0.5), np.full(n, 1 / n), 0.0, np.ones(n))
    least = losses(best[None], labels).mean()
    return float(losses(weights[None], labels).mean() / least - 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_is_found_and_found_again_with_fewer_runs(tmp_path: Path, seed: int) -> None:
    draw = np.random.default_rng(seed)
    before = fitted(OLD, runs=table(tmp_path / "before.csv", draw.dirichlet(np.ones(8), size=FIRST), OLD, seed))
    assert before.min() >= 0
    assert regret(before, OLD) <= 0.01
    share = draw.uniform(size=(AGAIN, 1))
    swarm = np.hstack([share * before, 1 - share])
    frozen = dict(zip(OLD, before.tolist(), strict=True))
    after = fitted(ALL, runs=table(tmp_path / "after.csv", swarm, ALL, seed + 10), frozen=frozen)
    assert after.sum() == pytest.approx(1)
    assert after[:8] / after[:8].sum() == pytest.approx(before)  # as they were, among themselves
    assert regret(after, ALL) <= 0.01


def test_old_runs_are_read_as_they_are(tmp_path: Path) -> None:
    """Runs in which the frozen groups still moved count with the sum of their weights."""
    draw = np.random.default_rng(5)
    mixed = draw.dirichlet(np.ones(9), size=200)
    frozen = dict.fromkeys(OLD, 0.125)
    runs = table(tmp_path / "runs.csv", mixed, ALL, 0)
    check = table(tmp_path / "check.csv", draw.dirichlet(np.ones(9), size=50), ALL, 1)
    context = MixContext(budget=1_000)
    params = TypeAdapter[Any](Mixture).validate_python(
        {"method": "olmix", "runs": runs, "targets": {"first": 1}, "frozen": frozen, "check": check, "kl": 0.01}
    )
    order = tuple(sorted(ALL))
    found = dict(zip(order, mix(sizes(order), params, context).tolist(), strict=True))
    assert len({round(found[label], 12) for label in OLD}) == 1
    assert found["new"] > 0.5  # it lowers the first task most
    assert context.fits[0].checked == 50


@pytest.mark.parametrize("method", ["regmix", "mixing_law"])
def test_every_fit_to_runs_takes_them(tmp_path: Path, method: str) -> None:
    if method == "regmix":
        pytest.importorskip("lightgbm")
    share = np.random.default_rng(2).uniform(size=(64, 1))
    runs = table(tmp_path / "runs.csv", np.hstack([np.repeat(share / 8, 8, axis=1), 1 - share]), ALL, 0)
    fields = {"target": "first", "simulations": 500} if method == "regmix" else {"targets": {"first": 1}}
    params = TypeAdapter[Any](Mixture).validate_python(
        {"method": method, "runs": runs, "frozen": dict.fromkeys(OLD, 1.0), **fields}
    )
    order = tuple(sorted(ALL))
    found = dict(zip(order, mix(sizes(order), params, MixContext()).tolist(), strict=True))
    assert found["new"] > 0.2  # of a ninth: regmix looks near the natural shares
    assert sum(found.values()) == pytest.approx(1)


def test_no_frozen_group_is_repeated_too_often(tmp_path: Path) -> None:
    """Together they give as much as the one of them that is used up first."""
    share = np.random.default_rng(3).uniform(size=(64, 1))
    pull = np.hstack([np.repeat(share / 2, 2, axis=1), 1 - share])
    seen = 2 + np.exp(-1.0 * share[:, 0])
    pl.DataFrame({"a": pull[:, 0], "b": pull[:, 1], "new": pull[:, 2], "loss": seen}).write_csv(tmp_path / "runs.csv")
    params = TypeAdapter[Any](Mixture).validate_python(
        {"method": "olmix", "runs": str(tmp_path / "runs.csv"), "targets": {"loss": 1}, "frozen": {"a": 1, "b": 1}, "kl": 0, "repetition": 2}
    )  # fmt: skip
    groups = Sizes(("a", "b", "new"), np.array([1, 9, 90]), np.array([100, 900, 9000]))
    found = mix(groups, params, MixContext(budget=1000))
    assert found[0] * 1000 <= 2 * 100 * (1 + 1e-6)
    assert found[0] == pytest.approx(found[1])


def test_what_cannot_be_frozen(tmp_path: Path) -> None:
    runs = table(tmp_path / "runs.csv", np.random.default_rng(0).dirichlet(np.ones(9), size=40), ALL, 0)
    for frozen, said in (
        (dict.fromkeys(ALL, 1), "every group is frozen"),
        ({"a": 0, "b": 0}, "the weights are all 0"),
        ({"a": 1, "z": 1}, "no document has the label 'z'"),
    ):
        with pytest.raises(RecipeError, match=said) as error:
            fitted(ALL, runs=runs, frozen=frozen)
        assert error.value.place == "mixture.frozen"
    with pytest.raises(ValidationError, match="frozen is of a fit to runs"):
        fitted(ALL, law="law.json", frozen={"a": 1, "b": 1})
