"""Which levels are active in which round, and that the expansion is a plan like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curation.methods.schedules import expand
from curation.methods.schedules.levels import active, levels
from curation.mixture import plan as plan_stage
from curation.mixture import planning
from curation.mixture.plan import Feedback
from curation.mixture.pool import Labels, Pool
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.schedules import Levels
from tests.conftest import Vector
from tests.curation.methods.mixers.common import report
from tests.curation.methods.schedules.common import CONTEXT, NO_GROUPS, planned, pool


def entry(**fields: object) -> Levels:
    plain = {"method": "levels", "name": "climb", "by": "level", "levels": ["a", "b", "c", "d"], "records": 30}
    return Levels.model_validate({**plain, **fields})


@pytest.mark.parametrize(
    ("fields", "rounds"),
    [
        ({"active": "single"}, ["a", "b", "c", "d"]),
        ({"active": "cumulative", "start": 2}, ["ab", "abc", "abcd"]),
        ({"active": "cumulative", "step": 2}, ["a", "abc", "abcd"]),
        ({"active": "sliding", "window": 2}, ["a", "ab", "bc", "cd"]),
        ({"active": "single", "rounds": 6}, ["a", "b", "c", "d", "d", "d"]),
    ],
)
def test_active_levels(fields: dict[str, object], rounds: list[str]) -> None:
    phases = expand(entry(**fields), CONTEXT)
    assert ["".join(map(str, phase.pool.where["level"])) for phase in phases] == rounds  # type: ignore[arg-type]
    assert [phase.name for phase in phases] == [f"climb-{i + 1}" for i in range(len(rounds))]
    assert levels(entry(**fields), CONTEXT) == phases
    assert active(entry(**fields), 1) == ["a"]


def test_a_release_gives_active_levels_equal_weight() -> None:
    draw = np.random.default_rng(0)
    n = 400
    pool = Pool(
        ids=draw.integers(0, 2**63, (n, 2)).astype(np.uint64),
        partition=np.zeros(n, dtype=np.int32),
        index=np.arange(n, dtype=np.int32),
        bytes_=np.full(n, 40),
        tokens=np.full(n, 10),
        columns={"level": Labels(draw.integers(0, 4, n).astype(np.int32), ("a", "b", "c", "d"))},
    )
    recipe = Recipe.model_validate(
        {
            "name": "x",
            "sources": [{"name": "s", "paths": ["s.jsonl"]}],
            "tags": {"level": {"from": "column", "column": "level"}},
            "phases": [
                {"name": "before", "records": 5},
                {"method": "levels", "name": "climb", "by": "level", "levels": ["a", "b", "c"], "records": 30},
            ],
            "mixture": {"by": "level"},
        }
    )
    planning.check_names(recipe)
    plan, ordered = planning.plan_and_schedule(recipe, pool, Feedback())
    assert [phase.place for phase in plan.phases] == ["phases[0]", *["phases[1]"] * 3]
    assert [phase.name for phase in plan.phases] == ["before", "climb-1", "climb-2", "climb-3"]
    codes = pool.columns["level"].codes[ordered.document]  # type: ignore[union-attr]
    assert np.bincount(codes[ordered.phase == 2], minlength=4).tolist() == [15, 15, 0, 0]
    assert np.bincount(codes[ordered.phase == 3], minlength=4).tolist() == [10, 10, 10, 0]
    again = Recipe.model_validate(recipe.resolved())
    assert again.resolved() == recipe.resolved()


def test_two_phases_of_one_name_are_refused() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "x",
            "sources": [{"name": "s", "paths": ["s.jsonl"]}],
            "phases": [{"name": "climb-2", "records": 5}, entry().model_dump(mode="json")],
        }
    )
    with pytest.raises(RecipeError, match="climb-2"):
        plan_stage.expand(recipe, NO_GROUPS, Feedback())


@pytest.mark.parametrize(
    ("way", "fields"), [("single", {}), ("cumulative", {}), ("sliding(heads=3,forget=1)", {"window": 3, "start": 3})]
)
def test_promotion_by_accuracy(vector: Vector, tmp_path: Path, way: str, fields: dict[str, object]) -> None:
    expected = vector("emergent.trace")["output"][way]
    active_ = way.split("(")[0]
    params = entry(active=active_, levels=[str(n) for n in range(2, 12)], rounds=10, promote_above=98, **fields)
    rows: list[dict[str, object]] = []
    for epoch, levels_now in enumerate(expected):
        losses = report(tmp_path, rows) if rows else None
        [phase] = expand(params, replace(CONTEXT, losses=losses))
        assert phase.name == f"climb-{epoch + 1}"
        assert phase.pool.where["level"] == [str(n) for n in levels_now]
        for n in levels_now:
            accuracy = 99 if epoch % 3 == 2 or n < max(levels_now) else 90
            rows.append({"round": epoch, "group": str(n), "accuracy": accuracy})
    with pytest.raises(RecipeError, match="all 10 rounds"):
        expand(params, replace(CONTEXT, losses=report(tmp_path, rows)))


def test_a_report_may_tell_of_levels_that_are_not_active_and_leave_one_out(tmp_path: Path) -> None:
    rows = [{"round": 0, "group": level, "accuracy": 99.0} for level in "abcd"]
    rows += [{"round": 1, "group": "b", "accuracy": 99.0}]  # a keeps its last value
    documents = pool(40, level=[level for level in "abcd" for _ in range(10)])
    climb = entry(rounds=6, promote_above=98, records=4).model_dump(mode="json")
    plan, _ = planned(documents, [climb], Feedback(report(tmp_path, rows)))
    assert [phase.name for phase in plan.phases] == ["climb-3"]
    assert plan.phases[0].pool.where["level"] == ["a", "b", "c"]
    with pytest.raises(RecipeError, match="unknown group 'e'"):
        planned(documents, [climb], Feedback(report(tmp_path, [*rows, {"round": 1, "group": "e", "accuracy": 9.0}])))
