"""What duplicates take from each source and group."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curation.releases.shift import shift_by_group
from curation.stages.deduplicate import deduplicate
from tests.conftest import texts
from tests.curation.stages.test_deduplicate import prepared


def test_sources_and_groups(tmp_path: Path) -> None:
    a, b, c = texts(3, seed=4)
    near = a + " and some more words"
    parts, recipe = prepared(tmp_path, [[a, b], [near, b, c]])
    tags = []
    for number, skills in enumerate(([["y", "x"], []], [["z"], None, ["x"]])):
        tags.append(str(tmp_path / f"tags-{number}.parquet"))
        pq.write_table(pa.table({"skill": pa.array(skills, pa.list_(pa.string()))}), tags[-1])
    decided = deduplicate(parts, recipe.dedup).decided
    found = shift_by_group(parts, ["web", "books"], tags, ["source", "skill"], decided)
    assert found[1] == {
        "by": "source",
        "label": "web",
        "documents_before": 2,
        "bytes_before": len(a) + len(b),
        "documents_after": 2,
        "bytes_after": len(a) + len(b),
    }
    counts = {(one["by"], one["label"]): (one["documents_before"], one["documents_after"]) for one in found}
    assert counts == {
        ("source", "books"): (3, 1),
        ("source", "web"): (2, 2),
        ("skill", "(none)"): (2, 1),
        ("skill", "x"): (2, 2),
        ("skill", "z"): (1, 0),
    }
    assert found[0]["bytes_before"] == len(near) + len(b) + len(c)
    together = shift_by_group(parts, ["web", "web"], tags, ["source"], decided)
    assert [(one["documents_before"], one["documents_after"]) for one in together] == [(5, 3)]
