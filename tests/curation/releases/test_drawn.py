"""Rounds that draw what none before them drew: each document once until its group is used up, then anew."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.conftest import Command, release_of, texts, write_jsonl

PACKED = {"sequence_length": 128, "packing": {"method": "best_fit", "begin": None, "end": None, "pad": 0}}


def recipe_of(folder: Path, **fields: Any) -> Path:
    rows = [{"text": f"{i} {text}", "topic": "ab"[i % 4 == 0]} for i, text in enumerate(texts(200))]
    write_jsonl(folder / "raw.jsonl", rows)
    recipe = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": [{"name": "web", "paths": [str(folder / "raw.jsonl")]}],
        "dedup": {"exact": False, "minhash": None},
        "tags": {"topic": {"from": "column", "column": "topic"}},
        "phases": [
            {
                "method": "rounds",
                "name": "round",
                "rounds": 9,
                "records": 60,
                "mixture": {"by": "topic", "method": "skill_it", "graph": {"a": {"a": 1.0}, "b": {"b": 1.0}}, "online": True},
                **fields,
            }
        ],
    }  # fmt: skip
    path = folder / "recipe.json"
    path.write_text(json.dumps(recipe))
    return path


def losses_after(folder: Path, rounds: int) -> Path:
    """What training says after so many rounds: both topics alike."""
    rows = [
        {"run_id": "r", "round": r, "step": r, "eval_index": r, "group": group, "loss": 2.0}
        for r in range(rounds)
        for group in "ab"
    ]
    path = folder / f"losses-{rounds}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def drawn(syllabus: Command, folder: Path, recipe: Path, rounds: int) -> tuple[pl.DataFrame, list[str]]:
    losses = ["--losses", str(losses_after(folder, rounds))] if rounds else []
    done = syllabus("run", str(recipe), *losses)
    assert done.returncode == 0, done.stderr
    release = release_of(folder)
    manifest = json.loads((release / "manifest.json").read_text())
    return pl.from_arrow(pq.read_table(release / "shards")), manifest["phases"][0]["notes"]  # type: ignore[return-value]


def test_each_document_once_until_its_group_is_used_up(syllabus: Command, tmp_path: Path) -> None:
    """30 of each topic a round: b, of 50, is used up in the second round, which takes the other 20 and 10 of the first anew."""
    recipe = recipe_of(tmp_path, fresh=True)
    times: Counter[str] = Counter()
    for number in range(4):
        rows, notes = drawn(syllabus, tmp_path, recipe, number)
        assert Counter(rows["topic"]) == {"a": 30, "b": 30}
        again = sum(times[one] > 0 for one in set(rows["id"]))
        assert again == {0: 0, 1: 10, 2: 30, 3: 30}[number]
        assert [note for note in notes if "drawn again" in note] == (
            [f"{again} documents of earlier releases are drawn again: there was no other in their groups"]
            if again
            else []
        )
        times.update(rows["id"])
        of_b = [times[one] for one in set(rows.filter(pl.col("topic") == "b")["id"])]
        assert max(of_b) - min(of_b) <= 1
    of_a = [n for id_, n in times.items() if id_ not in set(rows.filter(pl.col("topic") == "b")["id"])]
    assert len(times) == 120 + 50
    assert max(of_a) <= 3


def test_without_it_rounds_meet_again(syllabus: Command, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    first, _ = drawn(syllabus, tmp_path, recipe, 0)
    second, notes = drawn(syllabus, tmp_path, recipe, 1)
    assert set(first.filter(pl.col("topic") == "a")["id"]) & set(second.filter(pl.col("topic") == "a")["id"])
    assert not any("drawn again" in note for note in notes)


def test_of_packed_releases_too(syllabus: Command, tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    from tokenizers import models, pre_tokenizers

    tokenizer = tokenizers.Tokenizer(models.WordLevel({"[UNK]": 0, "the": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    path = recipe_of(tmp_path, fresh=True, records=40)
    recipe = json.loads(path.read_text())
    recipe["shards"] = {"tokenizer": str(tmp_path / "tokenizer.json"), **PACKED}
    path.write_text(json.dumps(recipe))
    seen: set[str] = set()
    for number in range(2):
        rows, _ = drawn(syllabus, tmp_path, path, number)
        ids = {one for row in rows["doc_ids"].to_list() for one in row}
        assert len(ids) == 40
        assert not ids & seen
        seen |= ids
