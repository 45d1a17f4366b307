"""Weights that move over a phase: exact at every point of it, and the same documents as their mean would draw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy.integrate import quad

from curation.methods.mixers.moving import mean, places
from schemas.mixers import Mixture
from schemas.plan import Course
from tests.conftest import release_of, texts, write_jsonl

SHAPES = st.sampled_from(["linear", "cosine", "step"])


def moved(t: float, shape: str, at: float) -> float:
    return {"linear": t, "cosine": (1 - np.cos(np.pi * t)) / 2, "step": float(t >= at)}[shape]


@given(SHAPES, st.floats(0.1, 0.9), st.integers(0, 3), st.integers(1, 300))
def test_at_every_point_each_group_is_within_a_document(shape: Any, at: float, seed: int, n: int) -> None:
    draw = np.random.default_rng(seed)
    ends = draw.dirichlet(np.ones(3), size=2)
    of = Course(shape, at, tuple(ends[0]), tuple(ends[1]))
    groups = draw.choice(3, size=n, p=mean(of)).astype(np.int64)
    amounts = draw.integers(1, 50, size=n).astype(float)
    order = places(of, groups, amounts)
    assert sorted(order) == list(range(n))
    for group in range(3):
        mine = order[groups[order] == group]
        assert (np.diff(mine) > 0).all()  # their own order is kept
    position = np.empty(n)
    for t in (0.0, 0.13, 0.5, 0.77, 1.0):
        # What stands before the first document that is to come after t.
        for group in range(3):
            total = amounts[groups == group].sum()
            if not total:
                continue
            whole = (1 - at) * ends[1][group] + at * ends[0][group] if shape == "step" else ends[:, group].mean()
            wanted, _ = quad(
                lambda x, g=group: ends[0][g] + moved(x, shape, at) * (ends[1][g] - ends[0][g]),
                0,
                t,
                points=[at],
                limit=200,
            )
            position[groups == group] = np.cumsum(amounts[groups == group]) / total * whole
            reached = position[(groups == group) & (position <= wanted + 1e-9)]
            largest = amounts[groups == group].max() / total * whole
            assert wanted - (reached.max() if len(reached) else 0.0) <= largest + 1e-6


@pytest.mark.parametrize("shape", ["linear", "cosine", "step"])
def test_through_the_shards(syllabus: Callable[..., Any], tmp_path: Path, shape: str) -> None:
    """From all web to all books and back in numbers: the share in each tenth of the phase is the curve's."""
    for source, first in (("web", 0), ("books", 10_000)):
        rows = [{"text": f"{first + i} {text}"} for i, text in enumerate(texts(400, seed=first))]
        write_jsonl(tmp_path / f"{source}.jsonl", rows)
    recipe = {
        "name": "tried",
        "output": str(tmp_path / "out"),
        "sources": [{"name": name, "paths": [str(tmp_path / f"{name}.jsonl")]} for name in ("web", "books")],
        "dedup": {"exact": False, "minhash": None},
        "phases": [
            {
                "name": "all",
                "records": 600,
                "mixture": {
                    "method": "moving",
                    "shape": shape,
                    "at": 0.3,
                    "start": {"method": "fixed", "weights": {"web": 1.0}},
                    "end": {"method": "fixed", "weights": {"web": 0.2, "books": 0.8}},
                },
            }
        ],
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    done = syllabus("run", str(tmp_path / "recipe.json"))
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(release_of(tmp_path) / "shards").sort_by("position")
    assert len(rows) == 600
    is_book = np.array([source == "books" for source in rows["source"].to_pylist()])
    for n in range(60, 601, 60):
        wanted, _ = quad(lambda t: 0.8 * moved(t, shape, 0.3), 0, n / 600, points=[0.3])
        assert abs(is_book[:n].sum() - wanted * 600) <= 1.001, n
    planned = json.loads(syllabus("plan", str(tmp_path / "recipe.json"), "--json").stdout)["phases"][0]
    assert planned["course"]["shape"] == shape
    assert sum(planned["weights"].values()) == pytest.approx(1)
    assert Counter(rows["source"].to_pylist())["books"] == planned["targets"]["books"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"start": {"by": "topic"}}, "start is of the same groups"),
        ({"inside": {"by": "step"}}, "has no mixture inside"),
    ],
)
def test_ends_are_of_the_same_groups(fields: dict[str, Any], said: str) -> None:
    ends = {"start": {"method": "uniform"}, "end": {"method": "uniform"}}
    with pytest.raises(ValidationError, match=said):
        TypeAdapter[Any](Mixture).validate_python({"method": "moving", **ends, **fields})
