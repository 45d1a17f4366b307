"""Contracts of every order: a permutation, the same wherever a document stood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.methods import orders
from curation.methods.orders import OrderKeys
from curation.mixture.pool import Labels
from schemas.errors import RecipeError

FIELDS: dict[str, Any] = {
    "by": "group",
    "subject": "group",
    "level": "score",
    "stage": "score",
    "concept": "other",
    "batch_size": 6,
    "context": 4,
    "burstiness": 2,
}


@pytest.mark.parametrize("model", list(orders.FUNCTIONS), ids=lambda model: model.__name__)
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-1, 2), st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 4)), max_size=60
    ),
    seed=st.integers(0, 5),
    data=st.data(),
)
def test_a_permutation_that_does_not_look_at_where_documents_stand(
    model: Any, rows: list[tuple[int, int | None, int]], seed: int, data: st.DataObject
) -> None:
    n = len(rows)
    fields = {name: value for name, value in FIELDS.items() if name in model.model_fields}
    params = model.model_validate({"method": model.model_fields["method"].annotation.__args__[0], **fields})
    ids = np.random.default_rng(0).integers(0, 2**63, (n, 2)).astype(np.uint64)
    if n > 3:
        ids[1, 0] = ids[0, 0]
    group = np.array([row[0] for row in rows], dtype=np.int32)
    score = np.array([np.nan if row[1] is None else row[1] for row in rows], dtype=np.float64)
    other = np.array([row[2] for row in rows], dtype=np.float64)

    def of(rows: np.ndarray) -> OrderKeys:
        columns = {"group": Labels(group[rows], ("x", "y", "z")), "score": score[rows], "other": other[rows]}
        return OrderKeys(ids=ids[rows], tokens=np.full(n, 3), columns=columns)

    try:
        order = orders.arrange(of(np.arange(n)), params, seed=seed, phase="p")
    except RecipeError:  # a group without a place in a batch: refused, as documented
        return
    assert sorted(order.tolist()) == list(range(n))
    moved = np.array(data.draw(st.permutations(range(n))), dtype=np.int64)
    again = orders.arrange(of(moved), params, seed=seed, phase="p")
    np.testing.assert_array_equal(moved[again], order)
