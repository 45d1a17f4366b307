"""Recall and precision against brute force: the true Jaccard similarity of all pairs of a corpus, beside the S-curve."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.dedup.minhash import band_keys, signatures
from curation.stages.deduplicate import deduplicate
from schemas.dedup import MinHash
from tests.benchmarks.scripts import grams, pairs_of
from tests.curation.stages.test_deduplicate import prepared

EDGES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 1.01)
TEXTS = [text for pair in pairs_of("Latin", 1200, seed=7) for text in pair]


@pytest.fixture(scope="module")
def true() -> dict[tuple[int, int], float]:
    """The Jaccard similarity of all pairs that share a 5-gram."""
    sets = [grams(text, MinHash()) for text in TEXTS]
    holders: dict[tuple[str, ...], list[int]] = {}
    for number, one in enumerate(sets):
        for gram in one:
            holders.setdefault(gram, []).append(number)
    shared = Counter(pair for numbers in holders.values() for pair in combinations(numbers, 2))
    return {(a, b): n / (len(sets[a]) + len(sets[b]) - n) for (a, b), n in shared.items()}


@pytest.mark.parametrize(("bands", "rows"), [(14, 8), (9, 13), (20, 5)])
def test_bands_follow_the_s_curve(true: dict[tuple[int, int], float], bands: int, rows: int) -> None:
    keys = band_keys(signatures(pa.array(TEXTS, pa.large_string()), MinHash(bands=bands, rows=rows)), bands, rows)
    for low, high in pairwise(EDGES):
        mine = [(pair, s) for pair, s in true.items() if low <= s < high]
        chance = np.array([1 - (1 - s**rows) ** bands for _, s in mine])
        found = sum((keys[a] == keys[b]).any() for (a, b), _ in mine)
        assert abs(found - chance.sum()) <= 3.5 * np.sqrt((chance * (1 - chance)).sum()) + 1


def test_what_is_dropped_is_alike_and_what_is_alike_is_dropped(
    tmp_path: Path, true: dict[tuple[int, int], float]
) -> None:
    parts, recipe = prepared(tmp_path, [TEXTS])
    ids: dict[str, int] = {}
    for row, id in enumerate(pq.read_table(parts[0].documents_path)["id"].to_pylist()):
        ids.setdefault(id, row)
    decided = deduplicate(parts, recipe.dedup).decided.to_pylist()
    near = [(ids[row["kept_id"]], row["index"]) for row in decided if row["stage"] == "minhash"]
    alike = [true.get((min(pair), max(pair)), 0.0) for pair in near]
    assert len(alike) > 300
    assert np.mean(np.array(alike) < 0.6) <= 0.005
    gone = {row["index"] for row in decided}
    sure = [pair for pair, s in true.items() if s >= 0.85]
    assert len(sure) > 200
    assert np.mean([a in gone or b in gone for a, b in sure]) >= 0.98
