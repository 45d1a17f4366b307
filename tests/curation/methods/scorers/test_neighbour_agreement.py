from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.distance import cdist

from curation.methods.scorers import POOL_WIDE, score
from schemas.errors import RecipeError
from schemas.scorers import NeighbourAgreement

STEPS = POOL_WIDE[NeighbourAgreement]


def pool(vectors: Any, labels: list[str | None]) -> pa.Table:
    n = len(labels)
    return pa.table(
        {
            "id": [f"{i:032x}" for i in range(n)],
            "column:e": pa.array(vectors, pa.list_(pa.float32())),
            "column:label": pa.array(labels, pa.string()),
        }
    )


def of(**fields: Any) -> NeighbourAgreement:
    return NeighbourAgreement.model_validate(
        {"from": "neighbour_agreement", "embedding": "e", "label": "label", **fields}
    )


def agreement(table: pa.Table, pieces: list[pa.Table], params: NeighbourAgreement) -> np.ndarray:
    state = STEPS.merge([STEPS.partial(piece, params, seed=0) for piece in pieces], params)
    return score(table, params, state=STEPS.fit(state, params, seed=0, place="tags.a"))


@pytest.mark.peer
def test_it_is_what_a_table_of_all_distances_gives() -> None:
    """Leave one out, by SciPy's cosine distances; any pieces give the same."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(400, 6))
    labels = [str(one) for one in draw.integers(0, 3, 400)]
    table = pool(vectors.tolist(), labels)
    found = agreement(table, [table.slice(0, 150), table.slice(150, 1), table.slice(151)], of(k=7))
    far = cdist(vectors, vectors, "cosine")
    np.fill_diagonal(far, np.inf)
    places = np.argsort(far, axis=1)[:, :7]
    wanted = [np.mean([labels[j] == labels[i] for j in row]) for i, row in enumerate(places)]
    np.testing.assert_allclose(found, wanted)
    np.testing.assert_array_equal(found, agreement(table, [table], of(k=7)))


def test_a_document_is_no_neighbour_of_itself_and_ties_count_alike() -> None:
    table = pool([[1, 0], [1, 0], [1, 0], [0, 1], [1, 0], None], ["a", "a", "b", "b", None, "a"])
    found = agreement(table, [table], of(k=1))
    np.testing.assert_allclose(found, [0.5, 0.5, 0, 1 / 3, np.nan, np.nan])


def test_what_cannot_be_fitted_is_said() -> None:
    few = pool([[1, 0], [0, 1]], ["a", "b"])
    with pytest.raises(RecipeError, match=r"tags\.a\.k: 2 neighbours need more than the 2 documents"):
        agreement(few, [few], of(k=2))
    with pytest.raises(RecipeError, match="vectors of lengths"):
        agreement(few, [few, pool([[1, 0, 0]], ["a"])], of(k=1))
