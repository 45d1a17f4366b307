"""Weights of the simple mixers, with numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from curation import mixers
from schemas.errors import RecipeError
from schemas.mixers import Fixed, Proportional, Temperature

SIZES = mixers.Sizes(("a", "b", "c"), np.array([1, 2, 3]), np.array([100, 400, 500]))
CONTEXT = mixers.MixContext(stage=0, stages=1, losses=None, previous=None, place="mixture")


def test_proportional() -> None:
    np.testing.assert_allclose(mixers.mix(SIZES, Proportional(), CONTEXT), [0.1, 0.4, 0.5])


def test_temperature() -> None:
    roots = np.sqrt([0.1, 0.4, 0.5])
    np.testing.assert_allclose(mixers.mix(SIZES, Temperature(method="temperature"), CONTEXT), roots / roots.sum())


def test_fixed() -> None:
    weights = {"a": 0.2, "b": 0.3, "c": 0.5}
    np.testing.assert_allclose(mixers.mix(SIZES, Fixed(method="fixed", weights=weights), CONTEXT), [0.2, 0.3, 0.5])
    with pytest.raises(RecipeError, match="nobody"):
        mixers.mix(SIZES, Fixed(method="fixed", weights={**weights, "c": 0.4, "nobody": 0.1}), CONTEXT)
