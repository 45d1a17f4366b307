"""Evaluating a pool: statistics, samples and a page, and nothing that looks like a release."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Command, recipe_of


@pytest.mark.server
def test_an_evaluation_is_no_release(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = recipe_of(tmp_path, dedup={"history": True})
    done = syllabus("evaluate-pool", str(recipe), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    folder = Path(said["folder"])
    assert folder.parent == tmp_path / "out" / "tried" / "evaluations"
    assert not (tmp_path / "out" / "tried" / "latest.json").exists()
    assert not (folder / "shards").exists()
    assert not (folder / "history").exists()
    record = json.loads((folder / "evaluation.json").read_text())
    assert [stage["stage"] for stage in record["funnel"]] == ["read", "rules", "exact", "minhash"]
    assert record["funnel"][-1]["out"] == said["documents"] == 360
    assert sum(one["documents"] for one in record["groups"]["source"].values()) == 360
    assert len(pl.read_parquet(folder / "statistics" / "*.parquet")) == 401
    page = (folder / "report.html").read_text()
    assert "gopher_quality.gopher_short_doc" in page
    assert "Mixture" not in page

    released = syllabus("run", str(recipe), "--json")
    assert released.returncode == 0, released.stderr
    manifest = json.loads((Path(json.loads(released.stdout)["folder"]) / "manifest.json").read_text())
    assert manifest["parent"] is None
    assert manifest["funnel"][-1]["in"] == 360
