"""Stability gap: each epoch reads the whole subset once, with fresh or frozen replay."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import RecipeError
from tests.conftest import Vector
from tests.curation.methods.schedules.common import planned, pool

PARTS = ["domain"] * 300 + ["books"] * 200 + ["code"] * 200
ENTRY = {
    "method": "subset_epochs",
    "name": "epoch",
    "epochs": 3,
    "subset": "domain",
    "mixture": {"method": "fixed", "by": "part", "weights": {"domain": 0.82, "books": 0.1, "code": 0.08}},
    "pool": {"select": [{"method": "token_budget", "by": "ppl", "tokens": 1000, "within": {"part": "domain"}}]},
}


def perplexities() -> list[float]:
    return np.random.default_rng(1).permutation(700).astype(float).tolist()


@pytest.mark.parametrize("replay", ["fresh", "frozen"])
def test_the_subset_stays_and_replay_changes(replay: str) -> None:
    ppl = np.array(perplexities())
    plan, ordered = planned(pool(700, part=PARTS, ppl=ppl.tolist()), [{**ENTRY, "replay": replay}])
    best = set(np.flatnonzero(np.array(PARTS) == "domain")[np.argsort(ppl[:300])[:100]].tolist())
    epochs = [ordered.document[ordered.phase == i] for i in range(3)]
    for drawn in epochs:
        subset = [i for i in drawn.tolist() if PARTS[i] == "domain"]
        assert sorted(subset) == sorted(best)
        assert len(drawn) == pytest.approx(100 / 0.82, abs=1)
    others = [{i for i in drawn.tolist() if PARTS[i] != "domain"} for drawn in epochs]
    assert (others[0] == others[1] == others[2]) is (replay == "frozen")
    assert epochs[0].tolist() != epochs[1].tolist()
    assert plan.phases[0].weights == (0.1, 0.08, 0.82)


def test_lowest_perplexity_budget(vector: Vector) -> None:
    given = vector("stability.lowest_ppl_budget")
    what = given["input"]
    documents = pool(10, ppl=what["ppl"])
    documents.tokens = np.array(what["tokens"])
    select = {"method": "token_budget", "by": "ppl", "tokens": what["budget_tokens"]}
    _, ordered = planned(documents, [{"name": "p", "pool": {"select": [select]}, "epochs": 1}])
    assert set(ordered.document.tolist()) == set(given["output"]["selected"])


def test_a_subset_that_nothing_belongs_to() -> None:
    with pytest.raises(RecipeError, match=r"phases\[0\]\.subset.*'medical'"):
        planned(pool(700, part=PARTS, ppl=perplexities()), [{**ENTRY, "subset": "medical"}])


def test_a_mixture_that_follows_the_budget_still_reads_the_subset_once() -> None:
    """UniMax gives books two passes, then the rest to domain and code alike."""
    parts = ["domain"] * 300 + ["books"] * 50 + ["code"] * 150
    unimax = {"method": "unimax", "by": "part", "epochs": 2}
    entry = {"method": "subset_epochs", "name": "epoch", "epochs": 1, "subset": "domain", "mixture": unimax}
    _, ordered = planned(pool(500, part=parts), [entry])
    drawn = ordered.document.tolist()
    assert sorted(i for i in drawn if parts[i] == "domain") == list(range(300))
    assert sum(parts[i] == "books" for i in drawn) == 100
    assert sum(parts[i] == "code" for i in drawn) == 300
