"""Why a source is as small as it is, and what differs from last time: through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


def test_a_source_adds_up(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    assert syllabus("run", str(recipe_of(tmp_path))).returncode == 0
    folder = release_of(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    rows = pl.read_parquet(folder / "shards" / "*.parquet")
    ledger = pl.concat([pl.read_parquet(path) for path in sorted((folder / "dropped").glob("*/*.parquet"))])
    read = 0
    for source in ("web", "books"):
        story = json.loads(syllabus("explain", str(folder), "--source", source, "--json").stdout)
        assert story["kept"] == rows.filter(pl.col("source") == source)["id"].n_unique()
        assert story["read"] == story["kept"] + sum(one["documents"] for one in story["losses"])
        mine = ledger.filter(pl.col("source") == source)
        assert sum(one["documents"] for one in story["losses"]) == len(mine)
        for loss in story["losses"]:
            of_rule = mine.filter((pl.col("stage") == loss["stage"]) & (pl.col("rule") == loss["rule"]))
            assert loss["documents"] == len(of_rule)
            assert loss["examples"]
            assert set(loss["examples"]) <= set(of_rule["id"])
        read += story["read"]
    assert read == manifest["funnel"][0]["in"]
    told = syllabus("explain", str(folder), "--source", "web").stdout
    assert "web: 301 documents were read" in told
    assert "exact, " in told
    wrong = syllabus("explain", str(folder), "--source", "nobody")
    assert wrong.returncode == 3
    assert "there are web, books" in wrong.stderr


def test_what_differs_from_last_time(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = str(recipe_of(tmp_path))
    assert syllabus("run", recipe).returncode == 0
    first = syllabus("explain", str(release_of(tmp_path)), "--changes")
    assert first.returncode == 3
    assert "there is none before it" in first.stderr
    write_jsonl(
        corpus / "web" / "c.jsonl", [{"text": text, "url": "https://new.example.org/"} for text in texts(40, seed=9)]
    )
    assert syllabus("run", recipe).returncode == 0
    found = {
        one["what"]: one
        for one in json.loads(syllabus("explain", str(release_of(tmp_path)), "--changes", "--json").stdout)
    }
    assert found["input files"]["difference"] == 1
    assert found["documents read"]["difference"] == 40
    assert found["source: web"]["after"] > found["source: web"]["before"]
    told = syllabus("explain", str(release_of(tmp_path)), "--changes").stdout
    assert "documents read" in told
    assert "+40" in told
