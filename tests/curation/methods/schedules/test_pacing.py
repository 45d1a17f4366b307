"""Pacing functions: Skill-It's numbers, and the prefix that a round draws from."""

from __future__ import annotations

import numpy as np
import pytest

from curation.methods.schedules.pacing import prefix
from schemas.schedules import Pacing
from tests.conftest import Vector
from tests.curation.methods.schedules.common import planned, pool


@pytest.mark.parametrize("shape", ["linear", "log"])
def test_published_prefixes(vector: Vector, shape: str) -> None:
    given = vector("skillit.curriculum_pacing")
    what = given["input"]
    params = Pacing.model_validate(
        {
            "method": "pacing",
            "name": "p",
            "by": "loss",
            "shape": shape,
            "rounds": what["n_updates"],
            "records": what["update_size"],
            "a": what["pacing_a"],
            "b": what["pacing_b"],
        }
    )
    got = [prefix(params, number) for number in range(1, what["n_updates"] + 1)]
    assert got == given["output"][shape]


def test_root_starts_at_b_and_ends_at_all() -> None:
    params = Pacing(method="pacing", name="p", by="loss", shape="root", rounds=10, records=100, b=0.2)
    got = [prefix(params, number) for number in range(1, 11)]
    assert got == sorted(got)
    assert got[-1] == 1000
    assert got[0] == int(1000 * (0.04 + 0.96 / 10) ** 0.5)


@pytest.mark.parametrize("hardest", [False, True])
def test_rounds_draw_without_replacement_from_the_prefix(hardest: bool) -> None:
    losses = np.arange(400.0)
    entry = {"method": "pacing", "name": "p", "by": "loss", "rounds": 4, "records": 100, "hardest_first": hardest}
    _, ordered = planned(pool(loss=losses.tolist()), [entry])
    for number in range(4):
        drawn = losses[ordered.document[ordered.phase == number]]
        assert len(drawn) == len(set(drawn.tolist())) == 100
        assert (drawn >= 300 - 100 * number).all() if hardest else (drawn < 100 * (number + 1)).all()


@pytest.mark.parametrize("shape", ["log", "root"])
def test_a_start_from_nothing(shape: str) -> None:
    losses = np.arange(400.0)
    entry = {"method": "pacing", "name": "p", "by": "loss", "rounds": 4, "records": 100, "shape": shape, "b": 0}
    _, ordered = planned(pool(loss=losses.tolist()), [entry])
    params = Pacing.model_validate(entry)
    sizes = [int(400 * (number / 4) ** 0.5) for number in range(1, 5)] if shape == "root" else None
    for number in range(4):
        drawn = losses[ordered.document[ordered.phase == number]]
        assert drawn.max() < prefix(params, number + 1)
        assert sizes is None or prefix(params, number + 1) == sizes[number]
