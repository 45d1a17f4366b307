"""Selectors: what they keep, and the numbers of their sources."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from curation.arrays.kmeans import fit, nearest
from curation.methods import selectors
from curation.methods.selectors.gumbel import top_of_noisy
from curation.mixture.pool import Pool
from schemas.errors import RecipeError
from schemas.groupers import KMeans
from schemas.selectors import Selector
from tests.conftest import Vector
from tests.curation.methods.schedules.common import planned, pool

PARSE = TypeAdapter(Selector)


def kept(pool_: Pool, /, seed: int = 0, phase: str = "p", **fields: Any) -> list[int]:
    params = PARSE.validate_python(fields)
    mask = selectors.select(pool_, params, seed=seed, phase=phase, place="select")
    return np.flatnonzero(mask).tolist()


def test_threshold_is_inclusive_and_drops_what_has_no_score() -> None:
    documents = pool(4, score=[1.0, 2.0, 3.0, float("nan")])
    assert kept(documents, method="threshold", by="score", min=1, max=2) == [0, 1]
    assert kept(documents, method="threshold", by="score", min=1, strict=True) == [1, 2]
    assert kept(documents, method="threshold", by="score", min=1, max=3, strict=True) == [1]
    with pytest.raises(RecipeError, match="no document"):
        kept(pool(2, score=[float("nan")] * 2), method="threshold", by="score", min=0)


def test_top(vector: Vector) -> None:
    given = vector("mixcpt.easy_subset")
    documents = pool(5, ppl=given["input"]["ppl"])
    easiest = kept(documents, method="top", by="ppl", documents=given["input"]["keep"], highest=False)
    assert easiest == sorted(given["output"]["selected"])
    assert kept(documents, method="top", by="ppl", documents=0) == []
    assert kept(documents, method="top", by="ppl", share=0.1) == []  # DELT's slice [-0:] would take all
    assert kept(documents, method="top", by="ppl", share=0.4) == [0, 3]


def test_token_budget_never_exceeds() -> None:
    documents = pool(10, score=range(10))
    assert kept(documents, method="token_budget", by="score", tokens=35) == [0, 1, 2]
    assert kept(documents, method="token_budget", by="score", share=0.2, highest=True) == [8, 9]


def test_weighted_draw_includes_as_often_as_successive_draws(vector: Vector) -> None:
    given = vector("sampling.wor_inclusion")
    weights, n = given["input"]["p"], 30_000
    counts = Counter[int]()
    for seed in range(n // 100):
        documents = pool(300, seed=seed, group=[str(i // 3) for i in range(300)], weight=weights * 100)
        for group in range(0, 300, 3):
            subset = documents._subset(np.arange(group, group + 3))
            counts.update(
                kept(subset, seed=seed, method="weighted_draw", by="weight", documents=given["input"]["size"])
            )
    for i, expected in enumerate(given["output"]["inclusion_probability"]):
        assert counts[i] / n == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))


def test_a_weight_of_0_is_never_drawn_and_phases_draw_afresh() -> None:
    documents = pool(100, weight=[0.0] * 50 + [1.0] * 50)
    assert min(kept(documents, method="weighted_draw", by="weight", documents=80)) == 50
    fields: dict[str, Any] = {"method": "weighted_draw", "documents": 30}
    assert kept(documents, phase="a", **fields) != kept(documents, phase="b", **fields)
    assert kept(documents, phase="a", draw="x", **fields) == kept(documents, phase="b", draw="x", **fields)


def test_cap_per_group_keeps_one_at_least() -> None:
    documents = pool(100, group=["a"] * 90 + ["b"] * 10, score=range(100))
    chosen = kept(documents, method="cap_per_group", by="group", share=1 / 256)
    assert len(chosen) == 2
    assert chosen[1] >= 90
    best = kept(documents, method="cap_per_group", by="group", documents={"a": 3}, score="score")
    assert best == [87, 88, 89, *range(90, 100)]
    with pytest.raises(RecipeError, match=r"documents.*'z'"):
        kept(documents, method="cap_per_group", by="group", documents={"z": 3})


def test_one_per_cluster(vector: Vector) -> None:
    given = vector("autocot.select")
    points = np.array(given["input"]["embeddings"])
    state = fit(pa.table({"vector": points.tolist()}), KMeans(embedding="e", clusters=2), seed=0, place="tags.c")
    labels, distances = nearest(points, np.array(state["centre"].to_pylist()))
    passes = given["input"]["passes_heuristics"]
    clusters = [{int(i) for i in np.flatnonzero(labels == c)} for c in (0, 1)]
    assert sorted(map(sorted, clusters)) == given["output"]["clusters_as_sets"]
    documents = pool(8, cluster=[f"{c}" for c in labels], distance=distances.tolist(), passes=passes)
    fields = {"method": "one_per_cluster", "by": "cluster", "distance": "distance", "passes": ["passes"]}
    assert kept(documents, **fields) == given["output"]["selected_sorted"]
    none = pool(8, cluster=[f"{c}" for c in labels], distance=distances.tolist(), passes=[0] * 8)
    assert kept(none, **fields) == []


def test_gumbel(vector: Vector) -> None:
    given = vector("dsir.gumbel_topk")
    weights, noise = np.array(given["input"]["log_weights"]), np.array(given["input"]["gumbel_noise"])
    ids = np.arange(6).reshape(3, 2).astype(np.uint64)
    assert top_of_noisy(weights, noise, given["input"]["k"], ids).tolist() == given["output"]["chosen"]
    documents = pool(10, weight=range(10))
    assert kept(documents, method="gumbel", by="weight", documents=20) == list(range(10))
    assert kept(documents, method="gumbel", by="weight", documents=3, temperature=0) == [7, 8, 9]


def test_held_out_combinations() -> None:
    labels = ["ct+brain", "ct+chest", "mri+brain", "mri+chest", "ct+brain"]
    documents = pool(5, triple=labels)
    fields = {"method": "held_out_combinations", "by": "triple", "held_out": ["ct+brain"]}
    assert kept(documents, **fields) == [1, 2, 3]
    assert kept(documents, **fields, keep="held_out") == [0, 4]
    with pytest.raises(RecipeError, match=r"held_out: no document is 'pet\+brain'"):
        kept(documents, **{**fields, "held_out": ["pet+brain"]}, keep="held_out")
    with pytest.raises(RecipeError, match=r"'ct' of 'ct\+brain' stands in no combination that is trained on"):
        kept(documents, **{**fields, "held_out": ["ct+brain", "ct+chest"]})


def test_held_out_groups(vector: Vector) -> None:
    given = vector("skillmix.split")
    categories = given["input"]["skill_category"]
    for k in (1, 2, 3):
        sets = ["+".join(sorted(names)) for names in combinations(sorted(categories), k)]
        documents = pool(len(sets), skills=sets)
        expected = given["output"][f"k={k}"]
        for keep, key in (("train", "train"), ("held_out", "heldout"), ("mixed", "mixed")):
            got = kept(
                documents,
                method="held_out_groups",
                by="skills",
                train=given["input"]["train_categories"],
                categories=categories,
                keep=keep,
            )
            names = sorted(sets[i].split("+") for i in got)
            assert len(names) == expected[key] if key == "mixed" else names == sorted(map(sorted, expected[key]))
    with pytest.raises(RecipeError, match="no category"):
        kept(pool(1, skills=["new"]), method="held_out_groups", by="skills", train=["a"], categories={"old": "a"})


def test_correct_top(vector: Vector) -> None:
    given = vector("mstar.top2")
    rows = next(iter(given["input"].values()))
    documents = pool(
        len(rows), prompt=[r[0] for r in rows], correct=[float(r[2]) for r in rows], reward=[r[3] for r in rows]
    )
    got = kept(documents, method="correct_top", prompt="prompt", correct="correct", by="reward")
    by_prompt: dict[str, list[int]] = {}
    for i in got:
        by_prompt.setdefault(rows[i][0], []).append(rows[i][1])
    assert by_prompt == given["output"]["selected"]


def test_within_leaves_others_alone() -> None:
    groups = ["a"] * 10 + ["b"] * 10
    select = {"method": "top", "by": "score", "documents": 2, "within": {"g": "a"}}
    _, ordered = planned(
        pool(20, g=groups, score=range(20)), [{"name": "p", "pool": {"select": [select]}, "epochs": 1}]
    )
    assert sorted(ordered.document.tolist()) == [8, 9, *range(10, 20)]


@pytest.mark.parametrize(
    "select",
    [
        {"method": "top", "by": "score", "share": 0.3},
        {"method": "token_budget", "by": "score", "tokens": 120},
        {"method": "weighted_draw", "by": "score", "documents": 7},
        {"method": "cap_per_group", "by": "g", "documents": 3},
        {"method": "gumbel", "by": "score", "documents": 5},
        {"method": "one_per_cluster", "by": "g", "distance": "score"},
        {"method": "correct_top", "prompt": "g", "correct": "score", "by": "score"},
    ],
    ids=lambda select: select["method"],
)
def test_results_do_not_depend_on_where_documents_stand(select: dict[str, Any]) -> None:
    documents = pool(40, g=[str(i % 4) for i in range(40)], score=[float(i % 5) for i in range(40)])
    moved = np.random.default_rng(3).permutation(40)
    there = kept(documents._subset(moved), **select)
    assert sorted(moved[there].tolist()) == kept(documents, **select)


def test_parts_of_groups_share_none_and_are_equal() -> None:
    documents = pool(60, prompt=[f"p{i % 10}" for i in range(60)])
    parts = [kept(documents, method="group_part", by="prompt", parts=4, part=part) for part in range(4)]
    assert sorted(row for part in parts for row in part) == list(range(60))
    groups = [{row % 10 for row in part} for part in parts]
    assert sorted(map(len, groups)) == [2, 2, 3, 3]
    assert kept(documents, method="group_part", by="prompt", parts=4, part=6, phase="q") == parts[2]
    assert kept(documents, method="group_part", by="prompt", parts=4, seed=1) != parts[0]
