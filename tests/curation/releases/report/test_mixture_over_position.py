"""The mixture over training position: right shares, few groups, a well-formed picture with hostile labels as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.releases.report.mixture_over_position import BINS, GROUPS, ROWS_A_BIN, mixture_over_position, shares

HOSTILE = "<script>alert(1)</script> \"x\" onload='y'"


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


def test_shares_by_position(tmp_path: Path) -> None:
    a_phase = ROWS_A_BIN * BINS // 2 * 4
    manifest = release(tmp_path, [["a", "a", "a", HOSTILE] * (a_phase // 4), ["a"] * a_phase])
    found, labels, phases = shares(manifest, str(tmp_path))
    assert labels == ["a", HOSTILE]
    half = BINS // 2
    assert found[:half].tolist() == pytest.approx(np.array([[0.75, 0.25]] * half), abs=0.02)
    assert found[half:].tolist() == [[1.0, 0.0]] * half
    assert phases.tolist() == [0] * half + [1] * half


def test_the_picture_is_well_formed(tmp_path: Path) -> None:
    page = mixture_over_position(release(tmp_path, [["a", HOSTILE] * 100, ["b"] * 100]), str(tmp_path))
    drawn = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])
    texts = ["".join(node.itertext()) for node in drawn.iter() if node.tag.endswith("text")]
    assert {"a", "b", "p0", "p1"} <= set(texts)
    assert any(HOSTILE.startswith(text.rstrip("…")) for text in texts if text.startswith("<script>"))
    assert "<script" not in page


def test_many_groups_and_numbers_and_no_label(tmp_path: Path) -> None:
    manifest = release(tmp_path, [[float(i % 30) for i in range(300)], [None] * 300])
    found, labels, _ = shares(manifest, str(tmp_path))
    assert len(labels) == GROUPS + 1
    assert {"(none)", "(others)"} <= set(labels)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))


def test_a_release_of_one_row(tmp_path: Path) -> None:
    found, labels, _ = shares(release(tmp_path, [["a"]]), str(tmp_path))
    assert (found.tolist(), labels) == ([[1.0]], ["a"])
