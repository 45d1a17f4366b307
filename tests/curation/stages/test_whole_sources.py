"""Sources that hold too much of a benchmark go whole (Tülu 3): through a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import Command, recipe_of, release_of, write_jsonl

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]

N = 100


def item(number: int, of: str) -> str:
    return " ".join(f"{of}{number}word{k}" for k in range(12))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A benchmark of 100 items and one of 50; a source with three items of the first, one with two, one with one of the second."""
    write_jsonl(tmp_path / "seen.jsonl", [{"text": item(n, "seen")} for n in range(N)])
    write_jsonl(tmp_path / "unseen.jsonl", [{"text": item(n, "unseen")} for n in range(N // 2)])
    for name, items in (
        ("three", [item(n, "seen") for n in range(3)]),
        ("two", [item(n, "seen") for n in range(2)]),
        ("one", [item(0, "unseen")]),
    ):
        rows = [f"{name} document {n} with words of its own" for n in range(20)]
        rows += [f"{text} as {name} has it" for text in items]
        write_jsonl(tmp_path / f"{name}.jsonl", [{"text": text} for text in rows])
    return tmp_path


def recipe(folder: Path, **fields: Any) -> str:
    return str(
        recipe_of(
            folder,
            sources=[{"name": name, "paths": [str(folder / f"{name}.jsonl")]} for name in ("three", "two", "one")],
            clean={},
            dedup={"minhash": None},
            tags={},
            conditioning=None,
            phases=[],
            decontaminate={"benchmarks": [str(folder / "seen.jsonl"), str(folder / "unseen.jsonl")], **fields},
        )
    )


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, {"three": 20, "two": 20, "one": 20}),
        ({"whole_sources": "always"}, {"two": 20, "one": 20}),
        ({"whole_sources": ["unseen.jsonl"], "max_source_share": 0}, {"three": 20, "two": 20}),
        ({"whole_sources": "always", "max_source_share": 0.01}, {}),
        ({"whole_sources": "always", "action": "report"}, {"two": 22, "one": 21}),
    ],
)
def test_sources_go_whole(fields: dict[str, Any], left: dict[str, int], raw: Path, syllabus: Command) -> None:
    done = syllabus("run", recipe(raw, **fields))
    if not left:
        assert done.returncode == 1
        assert "every document was dropped" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    folder = release_of(raw)
    rows = pl.read_parquet(folder / "shards" / "*.parquet")
    assert dict(rows["source"].value_counts().iter_rows()) == left
    assert syllabus("verify", str(folder)).returncode == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    (stage,) = [one for one in manifest["funnel"] if one["stage"] == "decontaminate"]
    whole = 20 * (3 - len(left)) + (3 if fields.get("action") == "report" else 0)
    assert stage["dropped"].get("contaminated_source", 0) == whole
    if whole:
        gone = pl.read_parquet(folder / "dropped" / "decontaminate" / "*.parquet").filter(rule="contaminated_source")
        assert set(gone["value"]) == {0.03 if "two" in left and "one" in left else 0.02}
        told = syllabus("explain", str(folder), gone["id"][0])
        assert "contaminated_source" in told.stdout


def test_a_name_that_no_benchmark_has(raw: Path, syllabus: Command) -> None:
    done = syllabus("run", recipe(raw, whole_sources=["other.jsonl"]))
    assert done.returncode == 2
    assert "'other.jsonl' is no benchmark's file; there are seen.jsonl, unseen.jsonl" in " ".join(done.stderr.split())
