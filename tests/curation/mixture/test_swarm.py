"""A run's order over the texts that all runs share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.mixture.pool import Pool
from curation.mixture.swarm import Asked, Swarm, in_order, plan_swarm
from schemas.recipe import Recipe
from tests.curation.methods.schedules.common import pool


@given(st.integers(1, 300), st.integers(1, 5), st.randoms(use_true_random=False))
def test_each_once_and_a_pass_in_the_order_of_the_texts(texts: int, passes: int, draw: np.random.Generator) -> None:
    chosen = [sorted(draw.sample(range(texts), draw.randint(1, texts))) for _ in range(passes)]
    rows = np.concatenate([np.array(one) for one in chosen])
    of = np.repeat(np.arange(passes), [len(one) for one in chosen])
    order = in_order(rows, of, texts)
    assert sorted(order.tolist()) == list(range(len(rows)))
    for number in range(passes):
        read = rows[order][of[order] == number]
        turned = int((np.diff(read) < 0).sum())  # where it begins anew, once
        assert turned <= (number > 0)
        assert sorted(read.tolist()) == chosen[number]


def test_the_copies_of_a_document_are_spread() -> None:
    rows, passes = np.tile(np.arange(1000), 4), np.repeat(np.arange(4), 1000)
    order = in_order(rows, passes, 1000)
    place = np.empty(4000)
    place[order] = np.arange(4000)
    apart = np.diff(np.sort(place.reshape(4, 1000), axis=0), axis=0)
    assert apart.min() > 4000 / 4 / 2.5


def swarm_of(documents: Pool, mixture: dict[str, Any], runs: int = 12, tokens: int = 1000, **phase: Any) -> Swarm:
    plain = {
        "name": "x",
        "sources": [{"name": "s", "paths": ["s.jsonl"]}],
        "tags": {name: {"from": "column", "column": name} for name in documents.columns},
        "phases": [{"name": "train", "mixture": mixture, **phase}],
    }
    return plan_swarm(Recipe.model_validate(plain), documents, Asked(runs, tokens))


def test_groups_that_are_frozen_vary_as_one() -> None:
    documents = pool(600, topic=["a", "b", "c", "new"] * 150)
    frozen = {"a": 0.5, "b": 0.3, "c": 0.2}
    made = swarm_of(
        documents, {"method": "regmix", "by": "topic", "runs": "later.csv", "target": "loss", "frozen": frozen}
    )
    assert made.labels == ("a", "b", "c", "new")
    weights = np.array([phase.weights for phase in made.phases])
    together = weights[:, :3].sum(axis=1)
    np.testing.assert_allclose(weights[:, :3], together[:, None] * np.array([0.5, 0.3, 0.2]))
    assert np.ptp(together) > 0.2


def test_groups_of_two_names_are_drawn_as_olmix_does() -> None:
    documents = pool(600, topic=["a", "a", "b"] * 200, step=["1", "2"] * 300)
    assert swarm_of(documents, {"by": ["topic", "step"]}).draw == "olmix"
    assert swarm_of(documents, {"by": "topic", "inside": {"by": "step"}}).labels == ("a/1", "a/2", "b/1", "b/2")
    assert swarm_of(documents, {"by": "topic"}).draw == "regmix"


def test_no_run_asks_more_than_its_groups_give() -> None:
    """Ten tokens a document, a hundred documents a group, a fifth more than a pass."""
    documents = pool(300, topic=["a", "b", "c"] * 100)
    for phase in swarm_of(documents, {"by": "topic", "max_epochs": 1.2}, tokens=2500).phases:
        assert max(phase.targets) <= 1200 + 1e-6
        assert sum(phase.targets) == pytest.approx(2500)
        assert sum(phase.weights) == pytest.approx(1)
