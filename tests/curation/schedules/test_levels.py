"""Which levels are active in which round, and that the expansion is a plan like any other."""

from __future__ import annotations

import numpy as np
import pytest

from curation.schedules import expand
from curation.schedules.levels import active, levels
from curation.stages import plan as plan_stage
from curation.stages import planning
from curation.stages.pool import Labels, Pool
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.schedules import Levels


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
    phases = expand(entry(**fields))
    assert ["".join(map(str, phase.pool.where["level"])) for phase in phases] == rounds  # type: ignore[arg-type]
    assert [phase.name for phase in phases] == [f"climb-{i + 1}" for i in range(len(rounds))]
    assert levels(entry(**fields)) == phases
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
    assert [place for _, place in plan_stage.expand(recipe)] == ["phases[0]", *["phases[1]"] * 3]
    planning.check_names(recipe)
    plan, ordered = planning.plan_and_schedule(recipe, pool, None)
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
        plan_stage.expand(recipe)
