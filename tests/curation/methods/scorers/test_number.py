import math

import numpy as np
import pyarrow as pa

from curation.methods.scorers import score
from schemas.scorers import Number

PARAMS = Number.model_validate({"from": "number", "column": "loss"})


def test_what_is_no_finite_number_is_no_score() -> None:
    documents = pa.table({"text": ["a"] * 4, "column:loss": [1.5, None, math.inf, math.nan]})
    np.testing.assert_array_equal(score(documents, PARAMS), [1.5, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(score(documents.select(["text"]), PARAMS), [np.nan] * 4)


def test_texts_that_are_numbers_count() -> None:
    documents = pa.table({"column:loss": [" 2.5 ", "3e1", "x", None]})
    np.testing.assert_array_equal(score(documents, PARAMS), [2.5, 30.0, np.nan, np.nan])
