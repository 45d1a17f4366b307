"""Skill curriculum: the published phases."""

from __future__ import annotations

import numpy as np
import pytest

from curation.methods.schedules import expand
from curation.methods.schedules.skill_curriculum import stages
from schemas.errors import RecipeError
from schemas.schedules import SkillCurriculum
from tests.conftest import Vector
from tests.curation.methods.schedules.common import context, planned, pool


def test_published_phases(vector: Vector) -> None:
    given = vector("skillit.group_curriculum_mix0.0")
    what, out = given["input"], given["output"]
    parts, last = stages(what["sizes"], what["mean_loss"], what["total_samples"], what["mixing_frac"])
    assert parts == out["phases"]
    assert [max(part) for part in parts] == out["order"]
    assert last == out["final_uniform_phase_samples"]


def test_mixing_takes_earlier_skills_along() -> None:
    parts, last = stages({"a": 100, "b": 100}, {"a": 1, "b": 2}, 425, 0.25)
    assert parts == [{"a": 100}, {"a": 25, "b": 100}]
    assert last == 200


def test_by_the_mean_score() -> None:
    skills = ["easy"] * 40 + ["hard"] * 40
    loss = np.r_[np.full(40, 0.5), np.full(40, 2.0)]
    entry = {"method": "skill_curriculum", "name": "s", "by": "skill", "score": "loss", "records": 40}
    plan, ordered = planned(pool(80, skill=skills, loss=loss.tolist()), [entry])
    assert [len(phase.labels) for phase in plan.phases][:2] == [2, 2]
    assert {skills[i] for i in ordered.document[ordered.phase == 0]} == {"easy"}
    assert {skills[i] for i in ordered.document[ordered.phase == 1]} == {"hard"}
    assert len(ordered.document) == 40


def test_unknown_skills_are_refused() -> None:
    params = SkillCurriculum(method="skill_curriculum", name="s", by="skill", losses={"a": 1, "x": 2}, records=10)
    with pytest.raises(RecipeError, match=r"losses.*'x'"):
        expand(params, context(a=10, b=10))
