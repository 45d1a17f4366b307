"""Rounds wait for the loss report."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.mixture.plan import Feedback
from schemas.errors import RecipeError
from tests.curation.methods.mixers.common import report
from tests.curation.methods.schedules.common import planned, pool

GRAPH = {"a": {"a": 1.0, "b": 0.5}, "b": {"b": 1.0}}
ENTRY = {
    "method": "rounds",
    "name": "round",
    "rounds": 2,
    "records": 60,
    "mixture": {"method": "skill_it", "by": "skill", "graph": GRAPH, "online": True},
}


def test_one_round_a_run(tmp_path: Path) -> None:
    documents = pool(200, skill=["a", "b"] * 100)
    plan, ordered = planned(documents, [ENTRY])
    assert [phase.name for phase in plan.phases] == ["round-0"]
    assert len(ordered.document) == 60
    losses = report(tmp_path, [{"round": 0, "group": "a", "loss": 0.1}, {"round": 0, "group": "b", "loss": 3.0}])
    second, _ = planned(documents, [ENTRY], Feedback(losses))
    assert [phase.name for phase in second.phases] == ["round-1"]
    assert second.phases[0].weights != plan.phases[0].weights
    done = report(tmp_path, [{"round": r, "group": g, "loss": 1.0} for r in (0, 1) for g in "ab"])
    with pytest.raises(RecipeError, match=r"phases\[0\]\.rounds.*all are done"):
        planned(documents, [ENTRY], Feedback(done))


def test_hold_takes_the_weights_of_the_release_before() -> None:
    documents = pool(200, skill=["a", "b"] * 100)
    phase = {"name": "p", "records": 10, "mixture": {**ENTRY["mixture"], "without_losses": "hold"}}  # type: ignore[dict-item]
    plan, _ = planned(documents, [phase], Feedback(held={"skill": {"a": 0.9, "b": 0.1}}))
    assert plan.phases[0].weights == pytest.approx((0.9, 0.1))
    two, _ = planned(
        documents,
        [{**phase, "name": "q", "mixture": {"method": "fixed", "by": "skill", "weights": {"a": 0.3, "b": 0.7}}}, phase],
    )
    assert two.phases[1].weights == pytest.approx((0.3, 0.7))
