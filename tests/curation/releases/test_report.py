"""The whole page: every section of a release, hostile text as text, small, and two releases side by side."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.releases.report import compare, report, search
from curation.releases.report.page import in_script
from schemas.tables import BORDERS, DUPLICATES, LEDGER, PLACES, SEGMENTS

HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>[a](javascript:alert(3))=cmd()"


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def release(folder: Path, *, documents: int = 40, name: str = "20260101T000000-abcdef") -> dict[str, Any]:
    """A release whose every string is hostile; half of the documents are dropped by one rule."""
    ids = [f"{i:032x}" for i in range(documents)]
    half = documents // 2
    places = [
        {
            "id": id_,
            "name": HOSTILE,
            "source": HOSTILE,
            "path": HOSTILE,
            "row": i,
            "url": f"https://a.example/{HOSTILE}",
        }
        for i, id_ in enumerate(ids)
    ]
    write(folder / "documents" / "0.parquet", places, PLACES)
    dropped = [
        {**place, "stage": "rules", "rule": HOSTILE, "value": float(i), "threshold": 1e9, "kept_id": None, "excerpt": HOSTILE}
        for i, place in enumerate(places[:half])
    ]  # fmt: skip
    write(folder / "dropped" / "rules" / "0.parquet", [{k: r[k] for k in LEDGER.names} for r in dropped], LEDGER)
    kept = {"stage": "rules", "rule": HOSTILE, "value": 2e9, "threshold": 1e9, "source": HOSTILE, "url": HOSTILE}
    write(folder / "samples" / "borders.parquet", [{**kept, "id": ids[-1], "excerpt": HOSTILE}], BORDERS)
    pair = {
        "kept_id": ids[-1],
        "kept_source": HOSTILE,
        "id": ids[0],
        "source": HOSTILE,
        "similarity": 0.8,
        "cluster": 3,
    }
    changes = [{"there": HOSTILE, "here": HOSTILE}]
    write(
        folder / "samples" / "duplicates.parquet",
        [{**pair, "same": 1, "removed": 2, "added": 3, "changes": changes}],
        DUPLICATES,
    )
    pool = pa.table({"language": [HOSTILE] * half, "quality": [0.5] * half, "tokens": list(range(1, half + 1))})
    (folder / "pool").mkdir()
    pq.write_table(pool, folder / "pool" / "0.parquet")
    rows = pa.table({"tokens": [10] * half, "topic": [HOSTILE] * half, "url": [HOSTILE] * half, "score": [0.1 * i for i in range(half)]})  # fmt: skip
    spans = [{"start": 0, "end": 4, "kind": "metadata", "loss": False}, {"start": 4, "end": len(HOSTILE), "kind": HOSTILE, "loss": True}]  # fmt: skip
    written = {"id": ids[half:], "text": [HOSTILE] * half, "segments": pa.array([spans] * half, SEGMENTS)}
    for column, values in written.items():
        rows = rows.append_column(column, pa.array(values) if isinstance(values, list) else values)
    (folder / "shards").mkdir()
    pq.write_table(rows, folder / "shards" / "0.parquet")
    amount = {"documents": half, "tokens": 10 * half}
    phase = {"name": HOSTILE, "by": "topic", "weights": {HOSTILE: 1.0}, "realised": {HOSTILE: amount}, "budget": {}}
    shard = {"path": "shards/0.parquet", "rows": half, "tokens": 10 * half, "bytes": 9, "phase": HOSTILE, "first_position": 0}  # fmt: skip
    return {
        "release": name,
        "created": "2026-01-01T00:00:00+00:00",
        "parent": None,
        "recipe": {"name": "tried", "description": HOSTILE, "clean": {"classifier": {"min_score": 0.2}}, "shards": {}},
        "inputs": [{"path": HOSTILE, "bytes": 1, "documents": documents, "errors": 0, "same_as": None}],
        "funnel": [
            {"stage": "read", "in": documents, "out": documents, "dropped": {}},
            {"stage": "rules", "in": documents, "out": documents - half, "dropped": {HOSTILE: half}},
        ],
        "edits": [{"stage": "rules", "rule": HOSTILE, "documents": 1, "count": 2}],
        "phases": [phase],
        "shards": [shard],
        "errors": {"files": [{"path": HOSTILE, "reason": HOSTILE}]},
        "contamination": [{"benchmark": HOSTILE, "source": HOSTILE, "items": 3, "items_hit": 1, "documents": 1, "places": {HOSTILE: 1}, "share": 0.3, "contaminated": True}],
        "timings": {"prepare": 1.0, "prepare.read": 0.5},
    }  # fmt: skip


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_nothing_of_the_data_is_an_element(tmp_path: Path) -> None:
    manifest = release(tmp_path)
    for page in (
        report(manifest, str(tmp_path), manifest),
        compare(manifest, manifest, (str(tmp_path), str(tmp_path))),
    ):
        tags = Tags(page).found
        assert not [tag for tag, _ in tags if tag in ("img", "iframe", "object", "link", "base")]
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
        assert not [
            a for _, a in tags if (a.get("href") or a.get("src") or "#").startswith(("http", "javascript", "//"))
        ]
        assert sum(tag == "script" for tag, _ in tags) in (0, 2)
        assert page.count("</title>") == 1


def test_every_section_is_there(tmp_path: Path) -> None:
    manifest = release(tmp_path)
    page = report(manifest, str(tmp_path), manifest)
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == [
        "What changed since the last release",
        "Funnel",
        "Mixture, planned and written",
        "Mixture over training position",
        "Scores over training position",
        "Dropped, and just kept",
        "What the rules measured",
        "Quality",
        "Near duplicates",
        "Languages",
        "Domains",
        "Lengths in tokens",
        "Benchmark items in the sources",
        "Look a document up",
        "Edits",
        "Inputs and shards",
        "Time",
    ]


def test_the_nearest_dropped_stand_beside_what_was_just_kept(tmp_path: Path) -> None:
    page = report(release(tmp_path), str(tmp_path))
    cases = re.findall(r'<div class="case (\w+)"><div class="small">([^,<]+), bound', page)
    assert cases == [("dropped", "19"), ("dropped", "18"), ("dropped", "17"), ("dropped", "16"), ("kept", "2e+09")]


def test_a_large_release_is_a_small_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 100)
    small = len(report(release(tmp_path / "a", documents=400), str(tmp_path / "a")))
    large = len(report(release(tmp_path / "b", documents=40_000), str(tmp_path / "b")))
    assert large < 1.2 * small


def test_the_page_can_look_documents_up(tmp_path: Path) -> None:
    page = report(release(tmp_path), str(tmp_path))
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found is not None
    rows = json.loads(found[1])
    assert len(rows) == 40
    assert rows[0][:3] == [f"{0:032x}", HOSTILE, HOSTILE]
    assert rows[0][5] == f"rules: {HOSTILE}"
    assert rows[-1][5] is None


def test_json_cannot_leave_its_element() -> None:
    assert "<" not in in_script(["</script>", "<!--", "]]>&"])
    assert json.loads(in_script(["</script>", "<!--", "]]>&"])) == ["</script>", "<!--", "]]>&"]
