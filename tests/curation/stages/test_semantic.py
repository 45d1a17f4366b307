"""Semantic duplicates over partitions: who stays, that each is near the one it is dropped for, that partitions do not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.stages import semantic as stage
from curation.stages.semantic import drop_alike
from schemas.dedup import Semantic
from schemas.errors import RecipeError
from schemas.work import Prepared
from tests.conftest import texts
from tests.curation.stages.test_deduplicate import prepared

WIDTH, CENTRES, EACH = 8, 4, 12


def made(
    folder: Path, rows: list[dict[str, object]], files: int, **semantic: object
) -> tuple[list[Prepared], Semantic]:
    """The rows in so many partitions."""
    step = -(-len(rows) // files)
    parts = [rows[number * step : (number + 1) * step] for number in range(files)]
    settings = {"embedding": "vector", "clusters": CENTRES, **semantic}
    partitions, recipe = prepared(folder, parts, minhash=None, semantic=settings)
    assert recipe.dedup.semantic is not None
    return partitions, recipe.dedup.semantic


@pytest.fixture
def rows() -> list[dict[str, object]]:
    """Four directions, twelve documents about each: pairs that all but agree, and a document without a vector."""
    draw = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    told = iter(texts(CENTRES * EACH + 1, seed=3))
    for centre in np.eye(WIDTH)[:CENTRES]:
        for _ in range(EACH // 2):
            one = centre + draw.normal(size=WIDTH) * 0.3
            rows += [{"text": next(told), "vector": (one + draw.normal(size=WIDTH) * e).tolist()} for e in (0, 0.005)]
    return [*rows, {"text": next(told)}]


def cosine(one: object, other: object) -> float:
    a, b = np.array(one), np.array(other)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("keep", ["far", "near"])
def test_of_each_pair_one_goes(tmp_path: Path, rows: list[dict[str, object]], keep: str) -> None:
    parts, params = made(tmp_path, rows, 1, keep=keep, min_similarity=0.99)
    gone = [np.zeros(0, dtype=np.int64)]
    decided = drop_alike(parts, gone, params, seed=0).to_pylist()
    assert len({row["index"] // 2 for row in decided}) == len(decided) == CENTRES * EACH // 2
    for row in decided:
        other = row["index"] ^ 1
        assert (row["stage"], row["rule"], row["threshold"]) == ("minhash", "semantic_duplicate", 0.99)
        assert row["value"] == pytest.approx(cosine(rows[row["index"]]["vector"], rows[other]["vector"]), abs=1e-6)
    # Which of two stays turns with `keep`.
    turned = drop_alike(parts, gone, params.model_copy(update={"keep": "near" if keep == "far" else "far"}), seed=0)
    assert {row["index"] ^ 1 for row in decided} == set(turned["index"].to_pylist())


def test_neither_partitions_nor_memory_change_it(
    tmp_path: Path, rows: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "five").mkdir()
    whole, params = made(tmp_path / "one", rows, 1, min_similarity=0.9)
    split, _ = made(tmp_path / "five", rows, 5, min_similarity=0.9)
    none = np.zeros(0, dtype=np.int64)
    first = drop_alike(whole, [none], params, seed=0)
    monkeypatch.setattr(stage, "VECTOR_BYTES", 1000)
    second = drop_alike(split, [none] * 5, params, seed=0)
    assert len(first) > CENTRES * EACH // 2
    assert first["kept_id"].to_pylist() == second["kept_id"].to_pylist()
    assert first["value"].to_pylist() == second["value"].to_pylist()


def test_what_was_dropped_before_takes_no_part(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    parts, params = made(tmp_path, rows, 1, min_similarity=0.99)
    odd = np.arange(1, CENTRES * EACH, 2)
    assert len(drop_alike(parts, [odd], params, seed=0)) == 0


def test_more_clusters_than_vectors(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    parts, params = made(tmp_path, rows, 1, clusters=1000)
    with pytest.raises(RecipeError, match=r"dedup\.semantic\.clusters"):
        drop_alike(parts, [np.zeros(0, dtype=np.int64)], params, seed=0)
