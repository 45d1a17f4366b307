import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods.scorers import score
from schemas.scorers import Salt


def salt(losses: list[Any], reach: list[Any], outside: str = "drop") -> np.ndarray:
    documents = pa.table(
        {"column:l": pa.array(losses, pa.list_(pa.float32())), "column:r": pa.array(reach, pa.list_(pa.float32()))}
    )
    return score(documents, Salt.model_validate({"from": "salt", "losses": "l", "in_reach": "r", "outside": outside}))


def test_both_readings(vector: Callable[[str], dict[str, Any]]) -> None:
    published = vector("salt.score")
    arguments = published["input"]["token_losses"], published["input"]["gold_in_topk"]
    assert salt(*arguments) == pytest.approx(published["output"]["median_dropping_non_topk"])
    assert salt(*arguments, outside="zero") == pytest.approx(published["output"]["median_zeroing_non_topk"])


def test_no_token_in_reach_or_lists_that_do_not_fit_are_no_score() -> None:
    losses = [[1.0, 2.0], [1.0, 2.0], None, [3.0]]
    reach = [[0, 0], [1], [1], [1]]
    for outside in ("drop", "zero"):
        np.testing.assert_array_equal(salt(losses, reach, outside), [np.nan, np.nan, np.nan, 3.0])


@given(st.lists(st.lists(st.tuples(st.integers(0, 9).map(float), st.booleans()), max_size=6), max_size=5))
def test_against_python(rows: list[list[tuple[float, bool]]]) -> None:
    losses, reach = [[x for x, _ in row] for row in rows], [[float(r) for _, r in row] for row in rows]
    inside = [[x for x, r in row if r] for row in rows]
    np.testing.assert_allclose(salt(losses, reach), [statistics.median(x) if x else np.nan for x in inside])
    zeroed = [statistics.median([x * r for x, r in row]) if i else np.nan for row, i in zip(rows, inside, strict=True)]
    np.testing.assert_allclose(salt(losses, reach, "zero"), zeroed)
