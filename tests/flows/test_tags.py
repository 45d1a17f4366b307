"""The published vectors of groupers, scorers and decontamination, as columns of a release's shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.curate import with_engine
from flows.progress import silent
from schemas.recipe import Recipe
from tests.conftest import Vector, write_jsonl
from tests.curation.methods.groupers.test_url import DIFFERENT

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


def rows_of(folder: Path, rows: list[dict[str, Any]], **recipe: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The shards' rows by their number in the input, and the manifest."""
    text = [{"text": f"document {number}", **row, "number": number} for number, row in enumerate(rows)]
    write_jsonl(folder / "rows.jsonl", text)
    tags = {**recipe.pop("tags", {}), "number": {"from": "number", "column": "number"}}
    plain = {"name": "tried", "output": str(folder / "out"), "dedup": {"minhash": None}, "tags": tags}
    sources = [{"name": "rows", "paths": [str(folder / "rows.jsonl")]}]
    loaded = Recipe.model_validate({**plain, "sources": sources, **recipe})
    outcomes: list[Any] = []
    with_engine(loaded, keep=outcomes.append, progress=silent())(loaded)
    release = Path(outcomes[0].folder)
    shards = pl.read_parquet(release / "shards" / "*.parquet").sort("number")
    return shards.to_dicts(), json.loads((release / "manifest.json").read_text())


def test_forms_of_urls(tmp_path: Path, vector: Vector) -> None:
    published = vector("meco.url_forms")["output"]
    tags = {part: {"from": "url", "part": part} for part in ("short", "domain", "suffix")}
    shown = {"template": "URL: {short}\n\n"}
    rows, _ = rows_of(tmp_path, [{"url": row["url"]} for row in published], tags=tags, conditioning=shown)
    for row, wanted in zip(rows, published, strict=True):
        different = DIFFERENT.get(wanted["url"], {})
        for part, key in (("short", "short"), ("domain", "domain_from_full"), ("suffix", "suffix_from_full")):
            said = wanted[key] if part == "short" else wanted[key].lower()
            assert row[part] == different.get(part, said), (wanted["url"], part)
        prefix = wanted["prefix_text"] if "short" not in different else f"URL: {row['short']}\n\n"
        assert row["text"].startswith(prefix if row["short"] is not None else "document")


def test_levels_rewards_and_coverage(tmp_path: Path, vector: Vector) -> None:
    clip, salt, reward = (
        vector("aligngpt.levels"),
        vector("salt.score"),
        vector("mstar.top2")["output"]["prm_score_example"],
    )
    overlap = vector("tulu3.ngram_overlap")
    item = tmp_path / "items.jsonl"
    item.write_text(json.dumps({"text": " ".join(overlap["input"]["test_tokens"])}) + "\n")
    rows: list[dict[str, Any]] = [{"clip": score} for score in clip["input"]["clip_scores"]]
    both = zip(salt["input"]["token_losses"], salt["input"]["gold_in_topk"], strict=True)
    for row, (losses, reach) in zip(rows, both, strict=False):
        row |= {"losses": losses, "reach": reach}
    rows[0]["steps"] = reward["step_scores"]
    for row, words in zip(rows, overlap["input"]["train_tokens"].values(), strict=False):
        row["text"] = " ".join(words)
    found, _ = rows_of(
        tmp_path,
        rows,
        tags={
            "clip": {"from": "number", "column": "clip"},
            "level": {"from": "score_buckets", "by": "clip", "buckets": clip["input"]["N"]},
            "median": {"from": "salt", "losses": "losses", "in_reach": "reach"},
            "zeroed": {"from": "salt", "losses": "losses", "in_reach": "reach", "outside": "zero"},
            "reward": {"from": "reduce", "column": "steps", "how": "min"},
            "covered": {
                "from": "ngram_overlap",
                "target": [str(item)],
                "ngram": overlap["input"]["n"],
                "share_of": "item",
            },
        },
    )
    assert [int(row["level"]) for row in found] == clip["output"]["levels"]
    n = len(salt["input"]["token_losses"])
    assert [row["median"] for row in found[:n]] == pytest.approx(salt["output"]["median_dropping_non_topk"])
    assert [row["zeroed"] for row in found[:n]] == pytest.approx(salt["output"]["median_zeroing_non_topk"])
    assert found[0]["reward"] == pytest.approx(reward["score"])
    assert found[1]["reward"] is None
    assert [row["covered"] for row in found[:4]] == pytest.approx(list(overlap["output"]["coverage"].values()))


def test_what_decontamination_flags(tmp_path: Path, vector: Vector) -> None:
    given = vector("tulu3.ngram_overlap")
    item = tmp_path / "items.jsonl"
    item.write_text(json.dumps({"text": " ".join(given["input"]["test_tokens"])}) + "\n")
    names = list(given["input"]["train_tokens"])
    rows = [{"text": " ".join(words)} for words in given["input"]["train_tokens"].values()]
    found, manifest = rows_of(tmp_path, rows, decontaminate={"benchmarks": [str(item)], "ngram": given["input"]["n"]})
    assert [names[int(row["number"])] for row in found] == [n for n in names if n not in given["output"]["flagged"]]
    assert {stage["stage"]: stage["dropped"] for stage in manifest["funnel"]}["decontaminate"] == {"ngram": 1}


def test_one_demonstration_a_cluster(tmp_path: Path, vector: Vector) -> None:
    given = vector("autocot.select")
    both = zip(given["input"]["embeddings"], given["input"]["passes_heuristics"], strict=True)
    clusters = {"embedding": "vector", "clusters": 2}
    select = {"method": "one_per_cluster", "by": "cluster", "distance": "distance", "passes": ["passes"]}
    found, _ = rows_of(
        tmp_path,
        [{"vector": vector_, "passes": passes} for vector_, passes in both],
        tags={
            "cluster": {"from": "clusters", **clusters},
            "distance": {"from": "cluster_distance", **clusters},
            "passes": {"from": "number", "column": "passes"},
        },
        phases=[{"name": "p", "epochs": 1, "pool": {"select": [select]}}],
    )
    assert [int(row["number"]) for row in found] == given["output"]["selected_sorted"]
