"""A swarm's texts by position: the same rows as the shards', in any order asked, from any shard."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.training.texts import Texts
from schemas.tables import REFERENCES


def texts_in(folder: Path, rows: list[list[int]]) -> pa.Table:
    """Shards of row groups of so many rows; all rows as one table."""
    shards, tables, at = [], [], 0
    for number, groups in enumerate(rows):
        path = folder / "shards" / f"{number:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        first = at
        writer: pq.ParquetWriter | None = None
        for size in groups:
            table = pa.table(
                {
                    "position": range(at, at + size),
                    "phase": ["texts"] * size,
                    "epoch": pa.array([0] * size, pa.int32()),
                    "text": [f"text {i}" for i in range(at, at + size)],
                }
            )
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table, row_group_size=size)
            tables.append(table)
            at += size
        assert writer is not None
        writer.close()
        shards.append({"path": f"shards/{number:05d}.parquet", "first_position": first, "rows": at - first})
    (folder / "manifest.json").write_text(json.dumps({"shards": shards}))
    return pa.concat_tables(tables)


def references(rows: list[int]) -> pa.Table:
    columns = [range(len(rows)), ["proxy"] * len(rows), [1] * len(rows), rows]
    return pa.table([pa.array(one) for one in columns], schema=REFERENCES)


@pytest.mark.parametrize("seed", range(5))
def test_any_rows_in_any_order(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    whole = texts_in(tmp_path, [[5, 7, 1], [3], [11, 2, 6, 4, 9]])
    texts = Texts(str(tmp_path))
    assert texts.rows == len(whole) == 48
    for _ in range(20):
        wanted = [draw.randrange(48) for _ in range(draw.randint(1, 60))]
        found = texts.read(references(wanted))
        assert found["text"].to_pylist() == [f"text {row}" for row in wanted]
        assert found["position"].to_pylist() == list(range(len(wanted)))
        assert set(found["phase"].to_pylist()) == {"proxy"}
        assert set(found["epoch"].to_pylist()) == {1}
        assert found.column_names == whole.column_names
