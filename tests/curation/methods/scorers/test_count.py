import numpy as np
import pyarrow as pa

from curation.methods.scorers import score
from schemas.scorers import Count


def test_different_labels() -> None:
    documents = pa.table({"column:s": pa.array([["a", "b", "a"], [], None], pa.list_(pa.string()))})
    params = Count.model_validate({"from": "count", "column": "s"})
    np.testing.assert_array_equal(score(documents, params), [2, 0, np.nan])
