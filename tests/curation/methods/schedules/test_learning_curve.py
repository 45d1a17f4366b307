"""Subset sizes from learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.methods.schedules.learning_curve import decay, growth, needed
from schemas.errors import RecipeError
from schemas.schedules import LearningCurve
from tests.conftest import Vector
from tests.curation.methods.schedules.common import planned, pool

SIZES = np.array([10.0, 30.0, 100.0, 300.0, 1000.0])


def entry(**fields: Any) -> LearningCurve:
    return LearningCurve.model_validate({"method": "learning_curve", "name": "l", "points": "p", **fields})


def test_growth(vector: Vector) -> None:
    given = vector("superficial.powerlaw")
    slope, factor = growth(np.array(given["input"]["D"], dtype=float), np.array(given["input"]["P"]))
    assert slope == pytest.approx(given["output"]["slope"], abs=1e-6)
    assert 1 / slope == pytest.approx(given["output"]["b"], abs=1e-4)
    assert factor == pytest.approx(given["output"]["intercept"], abs=1e-6)
    asked = entry(curve="growth", reach=0.379473)
    assert needed(
        asked, np.array(given["input"]["D"], dtype=float), np.array(given["input"]["P"]), "x"
    ) == pytest.approx(100, abs=1)


def test_decay_is_recovered_and_its_slope_decides() -> None:
    values = 5 * SIZES**-0.5 + 1
    np.testing.assert_allclose(decay(SIZES, values), [5, 0.5, 1], rtol=1e-4)
    size = needed(entry(flat=0.01), SIZES, values, "x")
    assert 2.5 * size**-1.5 <= 0.01 < 2.5 * (size - 1) ** -1.5
    assert needed(entry(reach=1.5), SIZES, values, "x") == pytest.approx(100, abs=1)
    with pytest.raises(RecipeError, match="never reaches"):
        needed(entry(reach=0.9), SIZES, values, "x")


def test_curves_that_say_nothing_are_refused() -> None:
    with pytest.raises(RecipeError, match="four sizes"):
        decay(SIZES[:3], SIZES[:3])
    with pytest.raises(RecipeError, match="do not fall"):
        decay(SIZES, SIZES)
    with pytest.raises(RecipeError, match="never reaches"):
        needed(entry(curve="growth", reach=2), SIZES, 1 / SIZES, "x")


def test_a_phase_of_that_size(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("size,value\n" + "".join(f"{s},{5 * s**-0.5 + 1}\n" for s in SIZES))
    phases = [{"method": "learning_curve", "name": "l", "points": str(path), "reach": 1.5}]
    _, ordered = planned(pool(400), phases)
    assert len(ordered.document) == pytest.approx(100, abs=1)
    with pytest.raises(RecipeError, match="the pool has 50"):
        planned(pool(50), phases)
