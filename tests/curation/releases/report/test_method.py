"""How a recipe works, in its release's report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.releases.report.method import method
from schemas.recipe import Recipe
from schemas.tables import SEGMENTS

HOSTILE = "<script>alert(1)</script>"


def manifest_of(folder: Path, shards: dict[str, Any] | None = None) -> dict[str, Any]:
    """A release of two phases, whose first rows are hostile, with prefixes in the first phase."""
    recipe = {
        "name": "tried",
        "output": "out",
        "sources": [{"name": "web", "paths": ["a.jsonl"]}],
        "tags": {"site": {"from": "url", "part": "short"}},
        "mixture": None,
        "phases": [
            {
                "name": "first",
                "share": 0.75,
                "pool": {"where": {"quality": {"min": 0.5}, "source": ["web", None]}},
                "conditioning": {"template": "URL: {site}\n\n"},
            },
            {
                "name": "second",
                "share": 0.25,
                "order": {"method": "sort", "by": "quality"},
                "pool": {"select": [{"method": "top", "by": "quality", "share": 0.7}]},
            },
        ],
        "shards": shards or {},
    }
    prefix = "URL: <b>.example\n\n"
    both = prefix + HOSTILE
    segments = [
        {"start": 0, "end": len(prefix), "kind": "metadata", "loss": False},
        {"start": len(prefix), "end": len(both), "kind": "content", "loss": True},
    ]
    plain = [{"start": 0, "end": 5_000, "kind": "content", "loss": True}]
    rows = {"first": (both, segments), "second": ("<i>" * 1_667, plain)}
    for name, (text, spans) in rows.items():
        columns = {"text": pa.array([text, "never shown"]), "segments": pa.array([spans, spans], SEGMENTS)}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return {
        "recipe": Recipe.model_validate(recipe).resolved(),
        "phases": [
            {"name": "first", "realised": {"a": {"tokens": 60}, "b": {"tokens": 15}}},
            {"name": "second", "realised": {"a": {"tokens": 25}}},
        ],
        "shards": [{"phase": name, "path": f"{name}.parquet"} for name in rows],
    }


def test_parts_phases_and_first_rows_are_told_and_escaped(tmp_path: Path) -> None:
    page = method(manifest_of(tmp_path), str(tmp_path))
    assert "grouper url" in page
    assert "part: &quot;short&quot;" in page
    assert "formatter template" in page
    assert page.count("formatter template") == 1
    assert "quality at least 0.5; source web or missing" in page
    assert "top: by: &quot;quality&quot;, share: 0.7" in page
    assert "<td>sort</td>" in page
    assert "75.0% of the tokens" in page
    assert '<span class="given" title="metadata, without loss">URL: &lt;b&gt;.example' in page
    assert '<span class="trained" title="content, with loss">&lt;script&gt;' in page
    assert "…" in page
    assert "<script>" not in page
    assert "<i>" not in page
    assert "never shown" not in page


def test_packed_rows_show_no_text_and_another_versions_recipe_nothing(tmp_path: Path) -> None:
    packed = manifest_of(tmp_path, {"tokenizer": "t.json", "sequence_length": 64})
    assert "its first row" not in method(packed, str(tmp_path))
    assert "What it does".lower() in method(packed, str(tmp_path))
    packed["recipe"]["phases"][0]["unheard_of"] = 1
    assert method(packed, str(tmp_path)) == ""


@pytest.mark.parametrize("n", [1, 13])
def test_one_phase_and_very_many_are_no_strip(tmp_path: Path, n: int) -> None:
    manifest = manifest_of(tmp_path)
    manifest["phases"] = [{"name": f"p{i}", "realised": {"a": {"tokens": 5}}} for i in range(n)]
    assert 'class="strip"' not in method(manifest, str(tmp_path))
