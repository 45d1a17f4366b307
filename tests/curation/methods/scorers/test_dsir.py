import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from curation.methods.scorers import POOL_WIDE, score
from curation.methods.scorers.dsir import bucket, hashed
from schemas.scorers import Dsir

RAW = ["The cat sat, the cat ran.", "Stocks fell; markets wept!", "a cat", "", "The market cat: 12 x_y naïve"]
TARGET = ["the cat sat on the cat", "a cat ran"]


def naive_buckets(text: str, n: int, buckets: int) -> Counter[int]:
    words = re.findall(r"\w+|[^\w\s]+", text.lower())
    grams = [" ".join(words[i : i + k]) for k in range(1, n + 1) for i in range(len(words) - k + 1)]
    return Counter(int(hashlib.sha256(g.encode()).hexdigest(), 16) % buckets for g in grams)


def fitted(parts: list[pa.Table], params: Dsir) -> pa.Table:
    steps = POOL_WIDE[Dsir]
    return steps.fit(steps.merge([steps.partial(p, params, seed=0) for p in parts], params), params, seed=0, place="t")


def test_the_official_hash(vector: Callable[[str], dict[str, Any]]) -> None:
    for gram, number in vector("dsir.hash")["output"].items():
        assert bucket(gram, 10_000) == number


@pytest.mark.parametrize("n", [1, 2, 3])
def test_ngrams_against_python(n: int) -> None:
    buckets, rows, words = hashed(pa.array(RAW, pa.large_string()), n, 50)
    for row, text in enumerate(RAW):
        assert Counter(buckets[rows == row].tolist()) == naive_buckets(text, n, 50)
    assert words.tolist() == [len(re.findall(r"\w+|[^\w\s]+", text)) for text in RAW]


def test_the_log_weight(tmp_path: Path) -> None:
    path = tmp_path / "target.txt"
    path.write_text("\n".join(TARGET))
    params = Dsir.model_validate({"from": "dsir", "target": [str(path)], "buckets": 50, "min_words": 1})
    documents = pa.table({"text": pa.array(RAW, pa.large_string())})
    state = fitted([documents.slice(3), documents.slice(0, 3)], params)
    raw = sum((naive_buckets(text, 2, 50) for text in RAW), Counter())
    target = sum((naive_buckets(text, 2, 50) for text in TARGET), Counter())
    expected = [
        sum(
            count * (math.log(target[b] / target.total() + 1e-8) - math.log(raw[b] / raw.total() + 1e-8))
            for b, count in naive_buckets(text, 2, 50).items()
        )
        for text in RAW
    ]
    measured = score(documents, params, state=state)
    np.testing.assert_allclose(measured[[0, 1, 2, 4]], np.array(expected)[[0, 1, 2, 4]])
    assert np.isnan(measured[3])
    assert measured[0] > measured[1]


def test_short_documents_have_no_score(tmp_path: Path) -> None:
    (tmp_path / "target.txt").write_text("a\n")
    params = Dsir.model_validate({"from": "dsir", "target": str(tmp_path / "target.txt")})
    documents = pa.table({"text": ["w " * 99, "w " * 100]})
    assert np.isnan(score(documents, params, state=fitted([documents], params))).tolist() == [True, False]
