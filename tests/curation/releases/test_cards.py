"""What stands beside the shards: phase borders in steps, a card in which nothing is markup, Croissant of the files that are there."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl

pytestmark = pytest.mark.server
HOSTILE = "a|b\n# <script>alert(1)</script> [x](javascript:alert(1)) `c` ---"


def told(syllabus: Command, folder: Path, *more: str, **fields: Any) -> tuple[Path, dict[str, Any]]:
    done = syllabus("run", str(recipe_of(folder, **fields)), *more)
    assert done.returncode == 0, done.stderr
    release = release_of(folder)
    return release, json.loads((release / "trainer.json").read_text())


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_phases_and_their_first_steps(batch: int, corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    """The first step all of whose rows are of the phase or behind it."""
    release, plain = told(syllabus, tmp_path, "--set", f"trainer.global_batch={batch}")
    rows = pl.read_parquet(release / "shards" / "*.parquet").sort("position")
    assert (plain["shuffle"], plain["global_batch"], plain["release"]) == (False, batch, release.name)
    assert [one["name"] for one in plain["phases"]] == ["conditioned", "cooldown"]
    for one in plain["phases"]:
        mine = rows.filter(pl.col("phase") == one["name"])
        assert (one["first_position"], one["rows"], one["tokens"]) == (
            mine["position"].min(),
            len(mine),
            mine["tokens"].sum(),
        )
        steps = [step for step in range(len(rows) + 1) if step * batch >= one["first_position"]]
        assert one["first_step"] == steps[0]
    assert plain["learning_rate"]["constant_through"] == "conditioned"


def test_without_a_batch_no_steps_and_rows_that_ascend(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    sorted_ = {"name": "rising", "order": {"method": "sort", "by": "tokens"}}
    _, plain = told(syllabus, tmp_path, phases=[sorted_])
    assert plain["global_batch"] is None
    assert plain["phases"][0]["first_step"] is None
    assert plain["learning_rate"]["constant_through"] == "rising"
    assert "ascending" in plain["learning_rate"]["why"]
    falling = {"name": "falling", "order": {"method": "sort", "by": "tokens", "descending": True}}
    _, plain = told(syllabus, tmp_path, phases=[falling])
    assert plain["learning_rate"]["constant_through"] is None


def test_a_card_in_which_nothing_from_outside_is_markup(tmp_path: Path, syllabus: Command) -> None:
    rows = [{"text": text, "topic": HOSTILE} for text in texts(30)]
    write_jsonl(tmp_path / "raw" / "a.jsonl", rows)
    release, _ = told(
        syllabus,
        tmp_path,
        description=HOSTILE,
        sources=[{"name": "web", "paths": [str(tmp_path / "raw" / "*.jsonl")]}],
        clean={},
        tags={"topic": {"from": "column", "column": "topic"}},
        conditioning=None,
        mixture={"by": "topic"},
        phases=[{"name": "all", "epochs": 1}],
    )
    card = (release / "README.md").read_text()
    head, body = card.removeprefix("---\n").split("\n---\n", 1)
    plain = yaml.safe_load(head)
    assert plain["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "shards/*.parquet"}]}
    ]
    assert plain["size_categories"] == ["n<1K"]
    assert not re.search(r"(?<!\\)<script", body)
    assert not re.search(r"(?<!\\)\]\(javascript", body)
    table = [line for line in body.splitlines() if line.startswith("| all")]
    assert len(re.findall(r"(?<!\\)\|", table[0])) == 5  # a cell has no border of its own


def test_croissant_names_every_shard(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    release, _ = told(syllabus, tmp_path)
    plain = json.loads((release / "croissant.json").read_text())
    files = {one["contentUrl"]: one["sha256"] for one in plain["distribution"] if one["@type"] == "cr:FileObject"}
    there = sorted((release / "shards").iterdir())
    assert files == {f"shards/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in there}
    fields = {one["name"]: one["dataType"] for one in plain["recordSet"][0]["field"]}
    assert fields["position"] == fields["tokens"] == "sc:Integer"
    assert fields["quality"] == "sc:Float"
    assert fields["text"] == fields["domain"] == "sc:Text"
    assert "segments" not in fields
