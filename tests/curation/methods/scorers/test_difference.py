"""One score less another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from curation.methods.scorers import score
from schemas.errors import RecipeError
from schemas.scorers import Difference

DOCUMENTS = pa.table({"teacher": [0.9, 0.5, None], "student": [0.4, 0.7, 0.1]})


def test_of_each_document() -> None:
    params = Difference.model_validate({"from": "difference", "of": "teacher", "less": "student"})
    np.testing.assert_allclose(score(DOCUMENTS, params), [0.5, -0.2, np.nan])


def test_a_score_that_is_not_there() -> None:
    params = Difference.model_validate({"from": "difference", "of": "teacher", "less": "studnet"})
    with pytest.raises(RecipeError, match="'studnet'"):
        score(DOCUMENTS, params)
