"""What can be written is cleaned: prompt, list columns, tags and URL as the text is, with the place named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.releases.explain import explain
from curation.releases.verify import verify
from flows.curate import with_engine
from flows.progress import silent
from schemas.recipe import Recipe
from tests.conftest import texts, write_jsonl

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]

ADDRESS = "jo.smith@mail.site.org"
MASKED = "email@example.com"


def record(number: int, text: str, mark: str) -> dict[str, Any]:
    """An instruction with a mark in every column."""
    return {
        "id": f"r{number}",
        "response": f"{text} {mark}",
        "question": f"Question {number} of {mark}: what of the river?",
        "thoughts": [f"first\u200b {number}", f"ask {mark} {number}", None],
        "topic": f"topic of {mark}",
        "link": f"https://u:p@host{number % 3}.example.org/{number}?by={mark}&x=1",
    }


def ran(folder: Path, rows: list[dict[str, Any]], **sections: Any) -> tuple[dict[str, Any], Path]:
    """A run over the rows as instructions with thoughts; its manifest and folder."""
    write_jsonl(folder / "rows.jsonl", rows)
    source = {"name": "asked", "paths": [str(folder / "rows.jsonl")], "prompt_column": "question"}
    plain = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": [{**source, "columns": {"text": "response", "url": "link"}}],
        "tags": {
            "thoughts": {"from": "items", "column": "thoughts"},
            "topic": {"from": "column", "column": "topic"},
            "domain": {"from": "url", "part": "host"},
        },
        "dedup": {"minhash": None},
        "phases": [
            {"name": "led", "share": 0.5, "conditioning": {"method": "thoughts", "thoughts": "thoughts"}},
            {"name": "told", "share": 0.5, "conditioning": {"template": "URL: {url} {topic}\n"}},
        ],
    }
    recipe = Recipe.model_validate({**plain, **sections})
    outcomes: list[Any] = []
    with_engine(recipe, keep=outcomes.append, progress=silent())(recipe, None)
    folder_made = Path(outcomes[0].folder)
    assert verify(str(folder_made)) == []
    return json.loads((folder_made / "manifest.json").read_text()), folder_made


def everything(release: Path) -> str:
    """All that a release says, in one text."""
    tables = [json.dumps(pl.read_parquet(path).to_dicts(), default=str) for path in release.rglob("*.parquet")]
    return "".join([*tables, *(path.read_text() for path in release.rglob("*") if path.suffix in (".json", ".html"))])


def test_every_place_is_masked_and_counted(tmp_path: Path) -> None:
    rows = [record(i, text, ADDRESS) for i, text in enumerate(texts(40))]
    rows.append({**rows[0], "id": "short", "response": f"too short for {ADDRESS}"})
    clean = {
        "pii": {"emails": "mask"},
        "normalisers": {"zero_width": True},
        "rules": [{"gopher_quality": {"min_stop_words": None}}],
    }
    manifest, release = ran(tmp_path, rows, clean=clean)
    edits = {(e["stage"], e["rule"]): (e["documents"], e["count"]) for e in manifest["edits"]}
    assert edits == {
        ("pii", "emails"): (40, 40),
        ("pii", "emails:prompt"): (40, 40),
        ("pii", "emails:thoughts"): (40, 40),
        ("pii", "emails:topic"): (40, 40),
        ("pii", "emails:url"): (40, 40),
        ("pii", "credentials:url"): (40, 40),
        ("read", "zero_width:thoughts"): (41, 41),
    }
    shards = pl.read_parquet(release / "shards" / "*.parquet")
    assert set(shards["topic"]) == {f"topic of {MASKED}"}
    assert set(shards["domain"]) == {f"host{i}.example.org" for i in range(3)}
    assert all(thoughts[0].startswith("first ") and MASKED in thoughts[1] for thoughts in shards["thoughts"].to_list())
    assert all("u:p@" not in url and url.endswith(f"?by={MASKED}&x=1") for url in shards["url"])
    assert MASKED in shards.filter(pl.col("phase") == "led")["text"][0].split("\n\n")[0]
    assert "jo.smith" not in everything(release)
    assert len(explain(str(release), url=rows[1]["link"]).places) == 1


def test_a_document_is_dropped_for_any_place(tmp_path: Path) -> None:
    columns = ["response", "question", "thoughts", "topic", "link"]
    rows = [record(i, text, "nobody") for i, text in enumerate(texts(45))]
    for row, column in zip(rows, columns, strict=False):
        row[column] = record(99, "A text of its own.", ADDRESS)[column]
    manifest, release = ran(tmp_path, rows, clean={"pii": {"emails": "drop"}})
    dropped = {stage["stage"]: stage["dropped"] for stage in manifest["funnel"]}["pii"]
    assert dropped == {"emails": 1, "emails:prompt": 1, "emails:thoughts": 1, "emails:topic": 1, "emails:url": 1}
    assert "jo.smith" not in everything(release)


def test_the_id_is_of_the_prompt_as_it_is_written(tmp_path: Path) -> None:
    (text,) = texts(1)
    pairs = [{"question": f"Ask {who} now.", "response": text} for who in (ADDRESS, "someone@else.org")]
    source = {"name": "asked", "paths": [str(tmp_path / "rows.jsonl")], "prompt_column": "question"}
    manifest, _ = ran(
        tmp_path,
        pairs,
        sources=[{**source, "columns": {"text": "response"}}],
        tags={},
        phases=[],
        clean={"pii": {"emails": "mask"}},
    )
    assert {s["stage"]: s["dropped"] for s in manifest["funnel"]}["exact"] == {"same_text": 1}


def test_labels_from_elsewhere_are_masked_too(tmp_path: Path) -> None:
    rows = [{**record(i, text, "nobody"), "id": f"{ADDRESS}/{i}"} for i, text in enumerate(texts(20))]
    write_jsonl(tmp_path / "labels.jsonl", [{"id": row["id"], "by": f"\u200b{ADDRESS}"} for row in rows[:5]])
    source = {"name": "asked", "paths": [str(tmp_path / "rows.jsonl")], "columns": {"text": "response", "url": "link"}}
    manifest, release = ran(
        tmp_path,
        rows,
        sources=[{**source, "tags": {"contact": f"ask {ADDRESS}"}}],
        tags={
            "licence": {"from": "constant", "value": f"by {ADDRESS}"},
            "by": {"from": "label_table", "path": str(tmp_path / "labels.jsonl"), "column": "by"},
            "owner": {"from": "regex", "field": "name", "pattern": "^(?P<label>.*)/"},
        },
        phases=[{"name": "all", "conditioning": {"template": "{contact} {licence} {by} {owner}\n"}}],
        clean={"pii": {"emails": "mask"}, "normalisers": {"zero_width": True}},
    )
    shards = pl.read_parquet(release / "shards" / "*.parquet")
    assert ADDRESS not in json.dumps(shards.to_dicts(), default=str)
    assert set(shards["by"]) == {MASKED, None}
    assert sum(text.startswith(f"ask {MASKED} by {MASKED} {MASKED} {MASKED}\n") for text in shards["text"]) == 5
    n = len(shards)
    assert {
        (e["rule"], e["documents"]) for e in manifest["edits"] if e["stage"] == "pii" and "url" not in e["rule"]
    } == {
        ("emails:contact", n),
        ("emails:licence", n),
        ("emails:by", 5),
        ("emails:owner", n),
    }


ITEM = "which of these old harbours was rebuilt twice before the last great storm came"


def test_labels_that_hold_benchmark_items_are_blanked(tmp_path: Path) -> None:
    rows = [{**record(i, text, "nobody"), "id": f"d{i}"} for i, text in enumerate(texts(20))]
    labels = [{"id": "d0", "by": ITEM}, {"id": "d1", "by": "a plain label"}]
    write_jsonl(tmp_path / "labels.jsonl", labels)
    write_jsonl(tmp_path / "bench.jsonl", [{"text": ITEM}])
    source = {"name": "asked", "paths": [str(tmp_path / "rows.jsonl")], "columns": {"text": "response", "url": "link"}}
    manifest, release = ran(
        tmp_path,
        rows,
        sources=[{**source, "tags": {"contact": f"ask: {ITEM}"}}],
        tags={"by": {"from": "label_table", "path": str(tmp_path / "labels.jsonl"), "column": "by"}},
        phases=[{"name": "all", "conditioning": {"template": "{by} {contact}\n"}}],
        decontaminate={"benchmarks": [str(tmp_path / "bench.jsonl")]},
    )
    shards = pl.read_parquet(release / "shards" / "*.parquet")
    assert ITEM not in json.dumps(shards.to_dicts(), default=str)
    assert set(shards["by"]) == {"a plain label", None}
    edits = {(e["stage"], e["rule"]): e["documents"] for e in manifest["edits"]}
    assert edits["decontaminate", "label:by"] == 1
    assert edits["decontaminate", "label:contact"] == len(shards)
