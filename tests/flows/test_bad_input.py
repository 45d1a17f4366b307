"""No input ends a run by being bad: what is lost is exactly what is bad, and the manifest names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import Command, release_of, texts, write_jsonl
from tests.curation.readers.test_parquet import BAD, strings, table

PLANTED = {"ask": {1}, "id": {2}, "url": {3}, "plain": {4}, "coded": {5}, "many": {6}, "inner": {7}, "text": {8}}


def recipe(folder: Path, sources: list[dict[str, Any]], **fields: Any) -> Path:
    path = folder / "recipe.yaml"
    plain = {"name": "tried", "output": str(folder / "out"), "sources": sources, "dedup": {"minhash": None}, **fields}
    path.write_text(yaml.safe_dump(plain))
    return path


@pytest.mark.server
def test_one_bad_byte_takes_its_row(tmp_path: Path, syllabus: Command) -> None:
    pq.write_table(table(40, PLANTED), tmp_path / "a.parquet", row_group_size=15)
    source = {"name": "a", "paths": [str(tmp_path / "a.parquet")], "prompt_column": "ask"}
    tags = {
        name: {"from": "column", "column": column}
        for name, column in {"p": "plain", "c": "coded", "i": "inner.label"}.items()
    }
    done = syllabus("run", str(recipe(tmp_path, [source], tags={**tags, "m": {"from": "column", "column": "many"}})))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    assert manifest["inputs"][0]["documents"] == 40 - len(PLANTED)
    rows = {row["row"]: row["reason"] for row in manifest["errors"]["rows"]}
    names = {row: "inner.label" if name == "inner" else name for name, (row,) in PLANTED.items()}
    assert rows == {row: f"invalid UTF-8 in `{name}`" for row, name in names.items()}
    assert manifest["errors"]["files"] == []


@pytest.mark.server
def test_a_side_table_is_refused_with_its_row(tmp_path: Path, syllabus: Command) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"id": f"d{i}", "text": text} for i, text in enumerate(texts(5))])
    pq.write_table(pa.table({"id": ["d0", "d1"], "label": strings([b"x", BAD])}), tmp_path / "labels.parquet")
    tags = {"label": {"from": "label_table", "path": str(tmp_path / "labels.parquet"), "column": "label"}}
    source = {"name": "a", "paths": [str(tmp_path / "a.jsonl")]}
    done = syllabus("run", str(recipe(tmp_path, [source], tags=tags)))
    assert done.returncode in (1, 2)
    said = " ".join((done.stdout + done.stderr).split())
    assert "labels.parquet cannot be read: row 1: invalid UTF-8 in the column 'label'" in said
    assert "Traceback" not in said


@pytest.mark.server
def test_json_of_any_layout_is_read_once_or_set_aside_with_one_reason(tmp_path: Path, syllabus: Command) -> None:
    raw = tmp_path / "raw"
    rows = [{"id": f"d{i}", "text": f"{i} {text}"} for i, text in enumerate(texts(60, words=24))]
    write_jsonl(raw / "good" / "a.jsonl", rows[:30])
    with (raw / "good" / "a.jsonl").open("a") as stream:
        stream.write('{"text": 1}\n' * 300 + '{"text": true}\n')
    (raw / "good" / "b.jsonl").write_text("\n".join(json.dumps(row, indent=2) for row in rows[30:40]))
    (raw / "good" / "c.json").write_text(json.dumps({"version": 2, "data": rows[40:50]}))
    chat = {"messages": [{"role": "user", "content": "private words"}]}
    (raw / "good" / "d.json").write_text(json.dumps([chat] * 27, indent=2))
    (raw / "good" / "e.jsonl.gz").write_bytes(b"")
    (raw / "deep.json").write_text(json.dumps({"response": {"docs": rows[50:], "facets": [{"n": 1}]}}))
    sources = [
        {"name": "good", "paths": [str(raw / "good" / "*")]},
        {"name": "deep", "paths": [str(raw / "deep.json")], "records": "response.docs"},
    ]
    # The plain file is cut in three, those whose records go on over lines are not.
    done = syllabus("run", str(recipe(tmp_path, sources, engine={"partition_bytes": "4KB"})))
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    manifest = json.loads((release / "manifest.json").read_text())
    assert {Path(one["path"]).name: one["documents"] for one in manifest["inputs"]} == {
        "a.jsonl": 30,
        "b.jsonl": 10,
        "c.json": 10,
        "d.json": 0,
        "e.jsonl.gz": 0,
        "deep.json": 10,
    }
    faults = {Path(one["path"]).name: one["reason"] for one in manifest["errors"]["files"]}
    assert set(faults) == {"d.json", "e.jsonl.gz"}
    assert faults["d.json"].startswith("a chat file: each record has `messages`, a list of objects {role, content}")
    assert faults["e.jsonl.gz"] == "empty file, 0 bytes: not gzip"
    assert manifest["errors"]["count"] == {"files": 2, "rows": 301}
    named = [(one["row"], one["reason"]) for one in manifest["errors"]["rows"]]
    assert (330, "`text` is a boolean, not a string") in named
    assert len(named) < 301
    written = pa.concat_tables([pq.read_table(path) for path in sorted((release / "shards").iterdir())])
    assert sorted(written["text"].to_pylist()) == sorted(row["text"] for row in rows)
    assert "private words" not in done.stdout + done.stderr
