"""Who keeps the order of a release: the table of docs/training.md, a cell a test."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.releases.exports import export
from curation.training import ShardDataset
from tests.conftest import ROOT

pytestmark = pytest.mark.torch
ROWS, BATCH = 96, 4
WHOLE = [list(range(start, start + BATCH)) for start in range(0, ROWS, BATCH)]
DOCS = Path(__file__).parents[3] / "docs" / "training.md"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six shards of sixteen rows."""
    folder = tmp_path_factory.mktemp("home") / "20260101T000000-abcdef"
    (folder / "shards").mkdir(parents=True)
    shards = []
    for number in range(6):
        rows = range(16 * number, 16 * (number + 1))
        path = f"shards/{number:05d}.parquet"
        table = pa.table({"position": pa.array(rows, pa.int64()), "text": [f"text {row}" for row in rows]})
        pq.write_table(table, folder / path, row_group_size=8)
        shards.append({"path": path, "rows": 16, "first_position": rows[0]})
    recipe = {"name": "read", "shards": {"tokenizer": None, "sequence_length": None}}
    (folder / "manifest.json").write_text(json.dumps({"release": folder.name, "shards": shards, "recipe": recipe}))
    return folder


def of_batch(batch: Any) -> list[int]:
    """Positions of a batch, of rows or of columns."""
    if isinstance(batch, dict):
        return [int(position) for position in batch["position"]]
    return [int(row["position"]) for row in batch]


def ours(release: Path, workers: int, rank: int, world: int) -> Any:
    from torch.utils.data import DataLoader

    data = ShardDataset(str(release), rank, world, BATCH // world)
    return DataLoader(data, None, num_workers=workers, multiprocessing_context="spawn" if workers else None)


def hugging_face(release: Path, workers: int, rank: int, world: int) -> Any:
    import datasets
    from datasets.distributed import split_dataset_by_node
    from torch.utils.data import DataLoader

    files = str(release / "shards" / "*.parquet")
    data = split_dataset_by_node(
        datasets.load_dataset("parquet", data_files=files, split="train", streaming=True), rank, world
    )
    context = "spawn" if workers else None
    return DataLoader(data, BATCH // world, num_workers=workers, multiprocessing_context=context)


def lit(release: Path, workers: int, rank: int, world: int) -> Any:
    from litdata import StreamingDataLoader, StreamingDataset
    from litdata.utilities.env import _DistributedEnv

    out = release.parent / "lit"
    if not out.exists():
        export(str(release), "litdata", str(out))
    data = StreamingDataset(str(out), shuffle=False)
    data.distributed_env = _DistributedEnv(world, rank, 1)
    context = "spawn" if workers else None
    return StreamingDataLoader(data, batch_size=BATCH // world, num_workers=workers, multiprocessing_context=context)


class Rows:
    """The release's rows by number, as grain asks for them."""

    def __init__(self, release: str):
        self.release = release
        self.table: pa.Table | None = None

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, number: int) -> dict[str, Any]:
        if self.table is None:
            self.table = pa.concat_tables(map(pq.read_table, sorted(Path(self.release, "shards").iterdir())))
        row: dict[str, Any] = self.table.slice(number, 1).to_pylist()[0]
        return row


def google_grain(release: Path, workers: int, rank: int, world: int) -> Any:
    import grain.python as grain

    sampler = grain.SequentialSampler(ROWS, grain.ShardOptions(rank, world))
    batches = [grain.Batch(BATCH // world)]
    return grain.DataLoader(data_source=Rows(str(release)), sampler=sampler, operations=batches, worker_count=workers)


READERS: dict[str, Callable[..., Any]] = {
    "ShardDataset": ours,
    "datasets": hugging_face,
    "LitData": lit,
    "grain": google_grain,
}


@pytest.fixture(autouse=True)
def path_of_grain(monkeypatch: pytest.MonkeyPatch) -> None:
    """grain stands in a folder of its own, which its workers find too."""
    folder = str(ROOT / ".venv" / "grain")
    monkeypatch.setattr(sys, "path", [*sys.path, folder])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), folder]))


def sequence(make: Callable[..., Any], release: Path, workers: int, world: int) -> list[list[int]]:
    """Global batches: what the ranks read, as sets: a step is the same whichever rank has a row."""
    ranks = [[of_batch(batch) for batch in make(release, workers, rank, world)] for rank in range(world)]
    return [sorted(row for part in parts for row in part) for parts in zip(*ranks, strict=False)]


def said(reader: str) -> tuple[bool, bool]:
    """What the table says: the same for 2 workers, for 2 ranks."""
    row = re.search(rf"^\| {reader}[^|]*\|([^|]*)\|([^|]*)\|", DOCS.read_text(), re.MULTILINE)
    assert row is not None
    return row[1].strip() == "yes", row[2].strip() == "yes"


@pytest.mark.parametrize("reader", READERS)
def test_one_process_reads_in_order(release: Path, reader: str) -> None:
    assert [of_batch(batch) for batch in READERS[reader](release, 0, 0, 1)] == WHOLE


@pytest.mark.parametrize("reader", READERS)
def test_the_same_batches_for_two_workers(release: Path, reader: str) -> None:
    assert (sequence(READERS[reader], release, 2, 1) == WHOLE) == said(reader)[0]


@pytest.mark.parametrize("reader", READERS)
def test_the_same_batches_for_two_ranks(release: Path, reader: str) -> None:
    assert (sequence(READERS[reader], release, 0, 2) == WHOLE) == said(reader)[1]
