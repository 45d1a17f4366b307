import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from curation.methods.scorers import score
from schemas.errors import RecipeError
from schemas.scorers import NgramOverlap


def overlap(texts: list[str], target: list[str], folder: Path, **settings: Any) -> np.ndarray:
    path = folder / f"target{abs(hash(tuple(target)))}.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in target))
    params = NgramOverlap.model_validate({"from": "ngram_overlap", "target": str(path), **settings})
    return score(pa.table({"text": pa.array(texts, pa.large_string())}), params)


def naive(text: str, target: list[str], n: int, share_of: str) -> float:
    def grams(words: list[str]) -> list[tuple[str, ...]]:
        return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]

    split = [re.findall(r"[^\W_]+", item.lower()) for item in [text, *target]]
    mine, items = grams(split[0]), split[1:]
    if share_of == "document":
        known = {gram for item in items for gram in grams(item)}
        return sum(gram in known for gram in mine) / len(mine) if mine else np.nan
    best = 0.0
    for item in items:
        covered = {i + k for i, gram in enumerate(grams(item)) if gram in set(mine) for k in range(n)}
        best = max(best, len(covered) / len(item))
    return best


@pytest.mark.parametrize("share_of", ["document", "item"])
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.sampled_from("ab ,"), max_size=20), min_size=1, max_size=4),
    st.lists(st.text(st.sampled_from("aB ."), min_size=1, max_size=20).map(lambda t: t + "a"), min_size=1, max_size=3),
    st.integers(1, 3),
)
def test_against_sets_of_tuples(tmp_path: Path, share_of: str, texts: list[str], target: list[str], n: int) -> None:
    measured = overlap(texts, target, tmp_path, ngram=n, share_of=share_of)
    np.testing.assert_allclose(measured, [naive(text, target, n, share_of) for text in texts])


def test_the_coverage_of_tulu3(vector: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    published = vector("tulu3.ngram_overlap")
    item, train = " ".join(published["input"]["test_tokens"]), published["input"]["train_tokens"]
    measured = overlap([" ".join(words) for words in train.values()], [item], tmp_path, share_of="item")
    assert dict(zip(train, measured, strict=True)) == pytest.approx(published["output"]["coverage"])


def test_no_ngram_spans_two_documents(tmp_path: Path) -> None:
    np.testing.assert_array_equal(overlap(["a", "b"], ["a b"], tmp_path, ngram=2, share_of="item"), [0, 0])


def test_mistakes(tmp_path: Path) -> None:
    params = {"from": "ngram_overlap", "target": str(tmp_path / "none.jsonl")}
    with pytest.raises(RecipeError, match=r"^tags\.o\.target: .*no file"):
        score(pa.table({"text": ["a"]}), NgramOverlap.model_validate(params), place="tags.o")
    (tmp_path / "t.jsonl").write_text('{"question": "a"}\n')
    params["target"] = str(tmp_path / "t.jsonl")
    with pytest.raises(RecipeError, match=r"target_column: .*it has question"):
        score(pa.table({"text": ["a"]}), NgramOverlap.model_validate(params))
    (tmp_path / "t.txt").write_text(" \n\n")
    params["target"] = str(tmp_path / "t.txt")
    with pytest.raises(RecipeError, match="no text"):
        score(pa.table({"text": ["a"]}), NgramOverlap.model_validate(params))
