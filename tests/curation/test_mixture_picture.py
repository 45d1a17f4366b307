"""The picture of the mixture over training position: full columns, right shares, hostile labels escaped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.mixture_picture import BINS, GROUPS, HEIGHT, mixture_over_position


def release(folder: Path, phases: list[list[Any]]) -> dict[str, Any]:
    """A manifest and shards of these phases' labels, ten tokens a row."""
    (folder / "shards").mkdir()
    shards, first = [], 0
    for number, labels in enumerate(phases):
        path = f"shards/{number:05d}.parquet"
        pq.write_table(pa.table({"tokens": [10] * len(labels), "topic": labels}), folder / path)
        shards.append({"path": path, "rows": len(labels), "first_position": first, "phase": f"p{number}"})
        first += len(labels)
    return {"phases": [{"name": f"p{n}", "by": "topic"} for n in range(len(phases))], "shards": shards}


def heights(page: str) -> dict[str, list[float]]:
    """Label -> heights of its bars. The picture must be well-formed."""
    svg = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert svg is not None
    found = {}
    for path in ElementTree.fromstring(svg[0]).iter("path"):
        title = path.find("title")
        assert title is not None
        found[title.text or ""] = [float(h) for h in re.findall(r"h[\d.]+v([\d.]+)h", path.get("d") or "")]
    return found


def test_shares_by_position(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    manifest = release(tmp_path, [["a", "a", "a", hostile] * BINS, ["a"] * (4 * BINS)])
    page = mixture_over_position(manifest, str(tmp_path))
    assert hostile not in page
    drawn = heights(page)
    assert drawn[hostile] == [pytest.approx(HEIGHT / 4)] * (BINS // 2)
    assert drawn["a"] == [pytest.approx(HEIGHT * 3 / 4)] * (BINS // 2) + [HEIGHT] * (BINS // 2)


def test_many_groups_and_numbers_and_no_label(tmp_path: Path) -> None:
    manifest = release(tmp_path, [[float(i % 30) for i in range(300)], [None] * 300])
    drawn = heights(mixture_over_position(manifest, str(tmp_path)))
    assert len(drawn) == GROUPS + 1
    assert {"(none)", "(others)"} <= set(drawn)
    assert sum(map(sum, drawn.values())) == pytest.approx(BINS * HEIGHT, rel=1e-3)
