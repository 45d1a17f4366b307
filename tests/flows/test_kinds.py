"""What deduplication leaves of eight kinds of data, under the defaults and under FineWeb's preset, through a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Command, release_of, write_jsonl
from tests.kinds import KINDS, documents

N = 200


def kept(folder: Path, syllabus: Command, **fields: Any) -> dict[str, int]:
    """Documents of each kind in the shards of a run in which only duplicates are dropped."""
    for kind in KINDS:
        write_jsonl(folder / "raw" / f"{kind}.jsonl", [{"text": text} for text in documents(kind, N)])
    sources = [{"name": kind, "paths": [str(folder / "raw" / f"{kind}.jsonl")]} for kind in KINDS]
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"name": "tried", "output": str(folder / "out"), "sources": sources, **fields}))
    done = syllabus("run", str(recipe))
    assert done.returncode == 0, done.stderr
    groups = json.loads((release_of(folder) / "manifest.json").read_text())["groups"]["source"]
    return {kind: groups.get(kind, {"documents": 0})["documents"] for kind in KINDS}


@pytest.mark.server
def test_documents_that_differ_in_numbers_alone_stay(tmp_path: Path, syllabus: Command) -> None:
    assert kept(tmp_path, syllabus) == dict.fromkeys(KINDS, N)


@pytest.mark.server
def test_the_preset_of_fineweb_ignores_numbers(tmp_path: Path, syllabus: Command) -> None:
    # What the preset does to single documents is switched off: its rules have verdicts of their own on forms and tables.
    anything = {"name": "custom", "scorer": {"from": "tokens"}, "min": 0}
    clean = {"preset": "fineweb-2024", "language": {"min_score": 0.0}, "rules": [anything], "pii": {"phones": "mask"}}
    left = kept(tmp_path, syllabus, clean=clean)
    assert left["prose"] == N
    assert max(left["arithmetic"], left["numeric_table"]) == 1
    assert max(left["function_call"], left["dialogue"]) < N / 5
