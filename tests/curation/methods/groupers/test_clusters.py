import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from curation.methods.groupers import POOL_WIDE, group
from schemas.errors import RecipeError
from schemas.groupers import Clusters


def documents_of(points: npt.NDArray[np.float64]) -> pa.Table:
    ids = [f"{i:032x}" for i in range(len(points))]
    return pa.table({"id": ids, "column:e": pa.array(points.tolist(), pa.list_(pa.float32()))})


def fitted(parts: list[pa.Table], params: Clusters, seed: int = 0) -> pa.Table:
    steps = POOL_WIDE[Clusters]
    partials = [steps.partial(part, params, seed=seed) for part in parts]
    return steps.fit(steps.merge(partials, params), params, seed=seed, place="tags.c")


def params(**settings: object) -> Clusters:
    return Clusters.model_validate({"from": "clusters", "embedding": "e", **settings})


@pytest.fixture(scope="module")
def blobs() -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(0)
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    return np.concatenate([centres[i] + generator.normal(size=(n, 2)) for i, n in enumerate((50, 30, 20))])


def test_blobs_are_found_and_the_largest_is_0(blobs: npt.NDArray[np.float64]) -> None:
    documents = documents_of(blobs)
    labels = group(documents, params(clusters=3), state=fitted([documents], params(clusters=3))).to_pylist()
    assert labels == ["0"] * 50 + ["1"] * 30 + ["2"] * 20


def test_the_fit_does_not_depend_on_partitions_or_their_order(blobs: npt.NDArray[np.float64]) -> None:
    documents = documents_of(blobs)
    settings = params(clusters=4, sample=40)
    whole = fitted([documents], settings)
    parts = [documents.slice(60), documents.slice(10, 50), documents.slice(0, 10)]
    assert fitted(parts, settings).equals(whole)
    assert not fitted([documents], settings, seed=1).equals(whole)


def test_cosine_ignores_length() -> None:
    points = np.array([[1.0, 0.01], [100, 0.02], [0.01, 1], [0.0, 70]])
    settings = params(clusters=2, cosine=True)
    documents = documents_of(points)
    labels = group(documents, settings, state=fitted([documents], settings)).to_pylist()
    assert labels[0] == labels[1] != labels[2] == labels[3]


def test_no_vector_no_cluster(blobs: npt.NDArray[np.float64]) -> None:
    state = fitted([documents_of(blobs)], params(clusters=2))
    documents = pa.table({"id": ["0" * 32, "1" * 32], "column:e": pa.array([None, [1.0, 2.0]], pa.list_(pa.float32()))})
    assert group(documents, params(clusters=2), state=state).to_pylist()[0] is None


def test_mistakes() -> None:
    with pytest.raises(RecipeError, match=r"tags\.c\.clusters: got 3 clusters for 2 different vectors"):
        fitted([documents_of(np.array([[0.0], [0.0], [1.0]]))], params(clusters=3))
    mixed = [documents_of(np.zeros((1, 2))), documents_of(np.zeros((1, 3)))]
    with pytest.raises(RecipeError, match=r"lengths \[2, 3\]"):
        fitted(mixed, params(clusters=1))
    with pytest.raises(RecipeError, match="no vector"):
        fitted([pa.table({"id": ["0" * 32]})], params(clusters=1))
