"""Reading: rows a second and the first batch, beside pyarrow, Hugging Face datasets, grain and litdata over the same rows, in one run.

    python -m tests.benchmarks.loader [--documents 200000]

Needs `make test-services` once (PyTorch). Each is read in order, in batches of 32, and rows come as Python dictionaries.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.releases.exports import export
from curation.training import ShardDataset
from schemas.tables import SEGMENTS, SHARD
from tests.benchmarks.texts import documents
from tests.conftest import ROOT

BATCH, A_SHARD, A_GROUP = 32, 20_000, 2_000


def release(folder: Path, n: int) -> Path:
    """Shards with all columns that a release has, texts of about a kilobyte."""
    made = folder / "home" / "20260101T000000-abcdef"
    (made / "shards").mkdir(parents=True)
    texts = documents(n, low=600, high=1400)
    shards = []
    for first in range(0, n, A_SHARD):
        size = min(A_SHARD, n - first)
        some = list(itertools.islice(texts, size))
        segments = [[{"start": 0, "end": len(text), "kind": "content", "loss": True}] for text in some]
        columns = {
            "position": pa.array(range(first, first + size), pa.int64()),
            "phase": ["all"] * size,
            "epoch": pa.array([0] * size, pa.int32()),
            "id": [f"{number:032x}" for number in range(first, first + size)],
            "source": ["web"] * size,
            "text": some,
            "segments": pa.array(segments, SEGMENTS),
            "tokens": pa.array([len(text) // 4 for text in some], pa.int32()),
            "url": [None] * size,
            "language": ["en"] * size,
            "quality": pa.array([0.5] * size, pa.float32()),
        }
        path = made / "shards" / f"{first // A_SHARD:05d}.parquet"
        pq.write_table(pa.table(columns, schema=SHARD), path, row_group_size=A_GROUP, compression="zstd")
        shards.append({"path": f"shards/{path.name}", "rows": size, "first_position": first, "phase": "all"})
    recipe = {"name": "read", "shards": {"tokenizer": None, "sequence_length": None}}
    (made / "manifest.json").write_text(json.dumps({"release": made.name, "shards": shards, "recipe": recipe}))
    return made


def timed(name: str, n: int, make: Callable[[], Iterator[Any]]) -> None:
    started = time.perf_counter()
    batches = make()
    first = next(batches)
    begun = time.perf_counter()
    rows = sum(len(batch) for batch in batches)
    assert rows + len(first) == n, (name, rows)
    print(
        f"{name}: first batch after {begun - started:.2f} s, then {rows / (time.perf_counter() - begun):,.0f} rows/s",
        flush=True,
    )


def _as_it_is(batch: Any) -> Any:
    """Without it a DataLoader walks through every row for arrays to make tensors of."""
    return batch


def in_batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def main() -> None:
    import datasets
    from torch.utils.data import DataLoader

    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=200_000)
    n = parser.parse_args().documents
    with tempfile.TemporaryDirectory() as folder:
        made = release(Path(folder), n)

        def of_workers(workers: int) -> Iterator[Any]:
            data = ShardDataset(str(made), batch_size=BATCH)
            options: dict[str, Any] = {
                "multiprocessing_context": "spawn",
                "prefetch_factor": 8,
                "collate_fn": _as_it_is,
            }
            return iter(DataLoader(data, None, num_workers=workers, **options))

        def of_pyarrow() -> Iterator[Any]:
            for path in sorted((made / "shards").iterdir()):
                for batch in pq.ParquetFile(path).iter_batches(BATCH):
                    yield batch.to_pylist()

        timed("ShardDataset, this process", n, lambda: iter(ShardDataset(str(made), batch_size=BATCH)))
        timed("ShardDataset, 2 workers", n, lambda: of_workers(2))
        timed("pyarrow, this process", n, of_pyarrow)
        read = datasets.load_dataset(
            "parquet", data_files=str(made / "shards" / "*.parquet"), split="train", streaming=True
        )
        timed("datasets, streaming", n, lambda: in_batches(iter(read)))
        sys.path.append(str(ROOT / ".venv" / "grain"))
        from grain.experimental import ParquetIterDataset

        paths = [str(path) for path in sorted((made / "shards").iterdir())]
        timed("grain, this process", n, lambda: iter(ParquetIterDataset(paths).batch(BATCH, batch_fn=list)))
        from litdata import StreamingDataset

        export(str(made), "litdata", str(Path(folder) / "litdata"))
        rows = (row for row in StreamingDataset(str(Path(folder) / "litdata")))  # itself it begins anew for each batch
        timed("litdata, this process", n, lambda: in_batches(rows))
        many = json.loads((made / "manifest.json").read_text())
        shard = many["shards"][0]
        many["shards"] = [{**shard, "first_position": number * shard["rows"]} for number in range(10_000)]
        (made / "manifest.json").write_text(json.dumps(many))
        started = time.perf_counter()
        assert len(next(iter(ShardDataset(str(made), batch_size=BATCH)))) == BATCH
        print(f"of 10,000 shards: first batch after {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
