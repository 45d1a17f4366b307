"""Copies by a table and by a function: FineWeb-2's by `copies`, QuaDMix's sigmoid; through a recipe too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.integrate import quad

from curation.methods.mixers import MixContext, Sizes, copies, mix
from curation.methods.mixers.repetitions import sigmoid_copies
from schemas.errors import RecipeError
from schemas.mixers import Repetitions, Sigmoid
from tests.conftest import release_of, texts, write_jsonl


def sizes_of(labels: list[str]) -> Sizes:
    return Sizes(tuple(labels), np.full(len(labels), 2), np.full(len(labels), 100))


def table(**fields: Any) -> Repetitions:
    return Repetitions.model_validate({"method": "repetitions", "by": "copies", **fields})


def test_the_table_of_fineweb_2() -> None:
    """The greatest bound that is not above the number of copies: 4 goes by 3, 99 by 5, 1,000 and more are spam."""
    labels = ["1", "2", "3", "4", "5", "99", "100", "999", "1000", "50000"]
    found = copies(sizes_of(labels), table(), MixContext())
    assert found is not None
    assert found.tolist() == [1, 2, 3, 3, 5, 5, 8, 8, 1, 1]


def test_labels_that_are_no_numbers() -> None:
    params = table(by="grade", factors={"good": 3, "bad": 1})
    assert mix(sizes_of(["bad", "good"]), params, MixContext()).tolist() == [0.25, 0.75]
    with pytest.raises(RecipeError, match="no document has the label 'god'"):
        mix(sizes_of(["bad", "good"]), table(by="grade", factors={"god": 3}), MixContext())
    with pytest.raises(RecipeError, match="every group has 0 copies"):
        mix(sizes_of(["bad", "good"]), table(by="grade", factors={"good": 0}), MixContext())


@pytest.mark.parametrize(("slope", "exponent", "rest"), [(0.0, 1.0, 0.0), (10.0, 1.5, 0.1), (100.0, 3.0, 0.02)])
def test_the_sigmoid_of_quadmix(slope: float, exponent: float, rest: float) -> None:
    params = Sigmoid.model_validate(
        {"method": "sigmoid", "by": "step", "slope": slope, "threshold": 0.35, "exponent": exponent, "rest": rest}
    )
    found = sigmoid_copies(sizes_of(["1", "2", "3", "4", "10"]), params)

    def of_rank(r: float) -> float:
        return (2 / (1 + np.exp(-slope * (0.35 - r)))) ** exponent + rest if r <= 0.35 else rest

    wanted = [quad(of_rank, 0.2 * k, 0.2 * (k + 1), points=[0.35], limit=200)[0] / 0.2 for k in range(5)]
    assert found[::-1] == pytest.approx(wanted, rel=1e-6)  # "10" is the best: labels that are numbers go by value
    assert (np.diff(found) >= -1e-12).all()


def test_every_document_as_often_as_the_table_says(syllabus: Callable[..., Any], tmp_path: Path) -> None:
    """Through clusters of duplicates and the shards, in a phase that has no budget of its own."""
    some = texts(60)
    rows = [{"text": text} for i, text in enumerate(some) for _ in range(i % 4 + 1)]
    write_jsonl(tmp_path / "raw.jsonl", rows)
    recipe = {
        "name": "tried",
        "output": str(tmp_path / "out"),
        "sources": [{"name": "web", "paths": [str(tmp_path / "raw.jsonl")]}],
        "dedup": {"minhash": None},
        "phases": [{"name": "all", "mixture": {"by": "copies", "method": "repetitions", "factors": {"1": 0, "2": 2, "4": 3.5}}}],
    }  # fmt: skip
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    assert syllabus("run", str(tmp_path / "recipe.json")).returncode == 0
    times = Counter(pq.read_table(release_of(tmp_path) / "shards")["text"].to_pylist())
    for number, text in enumerate(some):
        assert times[text] in {0: {0}, 1: {2}, 2: {2}, 3: {3, 4}}[number % 4]
    fours = [times[text] for number, text in enumerate(some) if number % 4 == 3]
    assert {3, 4} == set(fours)
