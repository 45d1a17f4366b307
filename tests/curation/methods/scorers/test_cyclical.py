import math

import numpy as np
import pyarrow as pa
import pytest

from curation.methods.scorers import score
from schemas.scorers import Cyclical


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"offset": 0}, [0.5, np.nan, np.nan]),
        ({"offset": 0.01}, [1 / 2.01, 100, np.nan]),
        ({"kind": "loss", "offset": 0}, [2, 0, np.nan]),
        ({"kind": "exponential", "rate": 0.5}, [0.5 * math.exp(-1), 0.5, np.nan]),
        ({"kind": "uniform"}, [1, 1, np.nan]),
    ],
)
def test_kinds(settings: dict[str, object], expected: list[float]) -> None:
    documents = pa.table({"column:loss": [2.0, 0.0, None]})
    params = Cyclical.model_validate({"from": "cyclical", "column": "loss", **settings})
    np.testing.assert_allclose(score(documents, params), expected)


def test_by_default_a_loss_of_0_has_a_finite_weight() -> None:
    documents = pa.table({"column:loss": [0.0, -1.0]})
    weights = score(documents, Cyclical.model_validate({"from": "cyclical", "column": "loss"}))
    assert np.isfinite(weights[0])
    assert np.isnan(weights[1])
