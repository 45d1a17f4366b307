"""Power-law rehearsal and its exponential control."""

from __future__ import annotations

import numpy as np
import pytest

from curation.methods.mixers.rehearsal import exponential, power_law
from schemas.errors import RecipeError
from schemas.mixers import PowerLawRehearsal
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, weights


def test_power_law(vector: Vector) -> None:
    given = vector("powerlaw.rehearsal")
    ages = given["input"]["now"] - np.array(given["input"]["last_performed_step"], dtype=float)
    for exponent, expected in given["output"].items():
        np.testing.assert_allclose(power_law(ages, float(exponent)), expected, atol=1e-6)


def test_exponential(vector: Vector) -> None:
    given = vector("powerlaw.exponential")
    ages = given["input"]["now"] - np.array(given["input"]["last_performed_step"], dtype=float)
    np.testing.assert_allclose(exponential(ages, given["input"]["tau"]), given["output"]["p"], atol=1e-6)


def test_the_newest_task_has_age_one() -> None:
    params = PowerLawRehearsal(method="power_law_rehearsal", tasks=["00", "01", "02"])
    np.testing.assert_allclose(weights(numbered(5, 5, 5, 5), params), [2 / 11, 3 / 11, 6 / 11, 0])
    with pytest.raises(RecipeError, match="twice"):
        weights(numbered(5, 5), PowerLawRehearsal(method="power_law_rehearsal", tasks=["00", "00"]))
