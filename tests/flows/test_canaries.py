"""Personal data and benchmark items, planted in every column that is read: none is in what a release shows or trains on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import Command, release_of, texts, write_jsonl

ADDRESS = "jane.doe@canary-mail.org"
MASK = "email@example.com"
ITEM = "Which of the seven planted canaries sings before the miners have gone down into the deepest shaft of all?"
PLACES = ("text", "ask", "thoughts", "shots", "topic", "url")


def row(number: int, body: str, /, **planted: Any) -> dict[str, Any]:
    plain = {
        "id": f"d{number}",
        "text": body,
        "ask": f"Please answer number {number}",
        "thoughts": [f"first {number}", f"then {number}"],
        "shots": [f"an example {number}"],
        "topic": f"topic {number % 3}",
        "url": f"https://example.org/{number}",
    }
    for place, value in planted.items():
        old = plain[place]
        plain[place] = (
            [*old, value] if isinstance(old, list) else f"{old}?{value}" if place == "url" else f"{old} {value}"
        )
    return plain


def recipe(folder: Path, rows: list[dict[str, Any]], **fields: Any) -> str:
    write_jsonl(folder / "raw.jsonl", rows)
    write_jsonl(folder / "bench.jsonl", [{"id": "planted", "text": ITEM}, {"id": "short", "text": "river"}])
    plain: dict[str, Any] = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": [{"name": "a", "paths": [str(folder / "raw.jsonl")], "prompt_column": "ask"}],
        "tags": {
            "thinking": {"from": "items", "column": "thoughts"},
            "examples": {"from": "items", "column": "shots"},
            "topic": {"from": "column", "column": "topic"},
        },
        "conditioning": {"template": "{url} {topic} {thinking} {examples}\n"},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**plain, **fields}))
    return str(folder / "recipe.yaml")


def everything(release: Path) -> str:
    """All that the release's tables, page and manifest hold, as one text."""
    tables = [repr(pq.read_table(path).to_pydict()) for path in sorted(release.rglob("*.parquet"))]
    return "\n".join([*tables, (release / "report.html").read_text(), (release / "manifest.json").read_text()])


def shards(release: Path) -> list[dict[str, Any]]:
    return pa.concat_tables([pq.read_table(path) for path in sorted((release / "shards").iterdir())]).to_pylist()


@pytest.mark.server
def test_addresses_in_every_column_are_masked_and_counted(tmp_path: Path, syllabus: Command) -> None:
    rows = [row(i, text, **dict.fromkeys(PLACES, ADDRESS)) for i, text in enumerate(texts(9, seed=5))]
    rows.append(row(9, f"short {ADDRESS}"))
    rules = [{"name": "gopher_quality", "min_doc_words": 20}]
    done = syllabus("run", recipe(tmp_path, rows, clean={"rules": rules, "pii": {"emails": "mask"}}))
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    assert ADDRESS not in everything(release)
    written = shards(release)
    assert len(written) == 9
    for one in written:
        assert one["text"].count(MASK) == 6
        assert MASK in one["url"]
        assert MASK in one["topic"]
        assert any(MASK in item for item in one["thinking"])
    edits = {
        e["rule"]: (e["documents"], e["count"]) for e in json.loads((release / "manifest.json").read_text())["edits"]
    }
    assert edits == {f"emails{place}": (9, 9) for place in ("", ":prompt", ":url", ":shots", ":thoughts", ":topic")}


@pytest.mark.server
def test_benchmark_items_in_any_column_drop_their_document(tmp_path: Path, syllabus: Command) -> None:
    made = texts(40, seed=6)
    rows = [
        row(i, text, **({PLACES[i]: ITEM} if i < len(PLACES) else {})) for i, text in enumerate(made[:9] + made[10:19])
    ]
    done = syllabus("run", recipe(tmp_path, rows, decontaminate={"benchmarks": [str(tmp_path / "bench.jsonl")]}))
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    assert all("planted canaries" not in repr(one) for one in shards(release))
    hits = pq.read_table(release / "contamination" / "hits.parquet").to_pylist()
    assert sorted(hit["place"] for hit in hits) == ["prompt", "shots", "text", "thoughts", "topic", "url"]
    assert {hit["item"] for hit in hits} == {"planted"}
    manifest = json.loads((release / "manifest.json").read_text())
    stages = {stage["stage"]: stage for stage in manifest["funnel"]}
    assert stages["decontaminate"]["dropped"] == {"ngram": 6}
    assert manifest["contamination"][0]["items_short"] == 1
    assert manifest["contamination"][0]["places"] == dict.fromkeys(("prompt", *PLACES[2:], "text"), 1)
    assert "50% of the items of bench.jsonl have too few words" in done.stdout


@pytest.mark.server
def test_an_item_that_too_many_hold_drops_nothing(tmp_path: Path, syllabus: Command) -> None:
    made = [text for i, text in enumerate(texts(60, seed=7)) if i % 10 != 9]
    rows = [row(i, text, **({"text": ITEM} if i < 20 else {})) for i, text in enumerate(made)]
    done = syllabus("run", recipe(tmp_path, rows, decontaminate={"benchmarks": [str(tmp_path / "bench.jsonl")]}))
    assert done.returncode == 0, done.stderr
    assert len(shards(release_of(tmp_path))) == len(made)
    assert "50% of the items of bench.jsonl are too common" in done.stdout
    assert "planted: 20 documents" in done.stdout
    few = syllabus(
        "run", recipe(tmp_path, rows, decontaminate={"benchmarks": [str(tmp_path / "bench.jsonl")], "max_hits": 0.5})
    )
    assert few.returncode == 0, few.stderr
    assert len(shards(release_of(tmp_path))) == len(made) - 20
