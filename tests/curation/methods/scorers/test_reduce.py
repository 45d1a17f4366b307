import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods.scorers import score
from schemas.scorers import Reduce

NAIVE = {"min": min, "max": max, "mean": statistics.fmean, "median": statistics.median, "sum": sum}


def reduced(lists: list[list[float] | None], how: str) -> np.ndarray:
    documents = pa.table({"column:x": pa.array(lists, pa.list_(pa.float32()))})
    return score(documents, Reduce.model_validate({"from": "reduce", "column": "x", "how": how}))


@pytest.mark.parametrize("how", sorted(NAIVE))
@given(st.lists(st.none() | st.lists(st.integers(-9, 9).map(float), max_size=5), max_size=6))
def test_against_python(how: str, lists: list[list[float] | None]) -> None:
    expected = [NAIVE[how](values) if values else np.nan for values in lists]
    np.testing.assert_allclose(reduced(lists, how), expected)


def test_the_reward_of_mstar_is_the_least_step(vector: Callable[[str], dict[str, Any]]) -> None:
    example = vector("mstar.top2")["output"]["prm_score_example"]
    assert reduced([example["step_scores"]], "min")[0] == pytest.approx(example["score"])
