"""Caps by registered domain: how many stay, which, and who is not capped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.dedup.rows import Ranking
from curation.stages.domain_caps import drop_over
from tests.conftest import texts
from tests.curation.stages.test_deduplicate import prepared

URLS = [
    "https://www.a.co.uk/1",
    "http://news.a.co.uk/2",
    "https://b.co.uk/3",
    "https://user:secret@A.co.uk:8080/4",
    None,
    None,
    None,
    "https://a.co.uk/5",
]


@pytest.mark.parametrize(("keep", "stay"), [("first", {0, 1}), ("longest", {3, 7})])
@pytest.mark.parametrize("files", [1, 3])
def test_at_most_two_of_a_domain(tmp_path: Path, keep: str, stay: set[int], files: int) -> None:
    rows = [
        {"text": text + " more" * 100 * number, "url": url}
        for number, (text, url) in enumerate(zip(texts(len(URLS), seed=2, words=50), URLS, strict=True))
    ]
    step = -(-len(rows) // files)
    split = [rows[number * step : (number + 1) * step] for number in range(files)]
    parts, recipe = prepared(tmp_path, split, minhash=None, max_per_domain=2, keep=keep)
    decided = drop_over(Ranking(parts, recipe.dedup), [np.zeros(0, dtype=np.int64)] * files, 2).to_pylist()
    assert {step * row["partition"] + row["index"] for row in decided} == {0, 1, 3, 7} - stay
    assert {(row["rule"], row["value"], row["threshold"], row["kept_id"]) for row in decided} == {
        ("domain_cap", 4.0, 2.0, None)
    }
