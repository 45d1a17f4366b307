"""DeepSpeed's difficulties step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from curation.methods.schedules.difficulty import at_step
from schemas.schedules import Difficulty
from tests.conftest import Vector
from tests.curation.methods.schedules.common import planned, pool


def entry(config: dict[str, Any]) -> Difficulty:
    schedule = config["schedule_config"]
    names = {"fixed_linear": "linear", "fixed_root": "root", "fixed_discrete": "discrete"}
    fields = {
        "min": config["min_difficulty"],
        "max": config["max_difficulty"],
        "schedule": names[config["schedule_type"]],
    }
    if "difficulty" in schedule:
        fields |= {"difficulties": schedule["difficulty"], "max_step": schedule["max_step"]}
    else:
        fields |= {"total_steps": schedule["total_curriculum_step"], "difficulty_step": schedule["difficulty_step"]}
        fields |= {"root_degree": schedule.get("root_degree", 2)}
    return Difficulty.model_validate(
        {"method": "difficulty", "name": "d", "by": "tokens", "steps": 2000, "batch_size": 4, **fields}
    )


def test_published_difficulties(vector: Vector) -> None:
    given = vector("deepspeed.difficulty")
    for name, config in given["input"]["configs"].items():
        for step, expected in given["output"][name].items():
            assert at_step(entry(config), int(step)) == expected, (name, step)


def test_one_phase_a_difficulty() -> None:
    metric = np.arange(1.0, 101.0)
    fields = {"method": "difficulty", "name": "d", "by": "metric", "steps": 30, "batch_size": 2}
    config = {"schedule": "discrete", "difficulties": [20, 50, 100], "max_step": [5, 20]}
    plan, ordered = planned(pool(100, metric=metric.tolist()), [{**fields, **config}])
    assert [phase.targets[0] for phase in plan.phases] == [10, 30, 20]
    for number, bound in enumerate([20, 50, 100]):
        drawn = metric[ordered.document[ordered.phase == number]]
        assert drawn.max() <= bound
        assert len(set(drawn.tolist())) == len(drawn)
    _, ordered = planned(pool(100, metric=(metric * 7).tolist()), [{**fields, **config, "percentile": True}])
    assert (metric[ordered.document[ordered.phase == 0]] <= 20).all()


def test_percentiles_are_the_official_slices() -> None:
    metric = np.random.default_rng(0).permutation(1050) + 0.5
    bounds = [1, 2, 50, 99, 100]
    entry = {"method": "difficulty", "name": "d", "by": "metric", "percentile": True, "schedule": "discrete"}
    entry |= {"difficulties": bounds, "max_step": [1, 2, 3, 4], "steps": 5, "batch_size": 1050}
    _, ordered = planned(pool(1050, metric=metric.tolist()), [entry])
    got = [sorted(set(metric[ordered.document[ordered.phase == number]].tolist())) for number in range(5)]
    assert [len(one) for one in got] == [10, 20, 500, 990, 1050]
    assert all(one == sorted(metric.tolist())[: len(one)] for one in got)
