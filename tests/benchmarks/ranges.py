"""The global step of deduplication on made signatures, by one process and by two: seconds, the most memory of a process, decisions.

    python -m tests.benchmarks.ranges [--documents 30000000]

Every tenth document is a copy of an earlier one with six of its fourteen bands and nine tenths of its signature; the stages run as
a run has them, each piece in a process of a pool.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import held_bytes, peak_bytes

A_PARTITION = 1_000_000
BANDS, VALUES, COPIES, SHARED = 14, 112, 10, 6
STAGES = ("keys", "exact:document", "settle:document", "edges", "verify", "duplicates")


def make(folder: str, number: int, n: int) -> None:
    """A prepared partition of n documents: its signatures and its summary, no text."""
    draw = np.random.default_rng(number)
    first = number * A_PARTITION
    of = np.arange(first, first + n)
    copy = (of % COPIES == COPIES - 1) & (of > A_PARTITION // 2)
    origin = of.copy()
    origin[copy] = draw.integers(0, of[copy] - 1)
    origin -= (origin % COPIES == COPIES - 1) & copy  # of a document that is none itself
    columns: dict[str, pa.Array] = {}
    own = hashed(of, 0)
    columns["id"] = ids_of(own, hashed(of, 1))
    columns["bytes"] = pa.array(np.full(n, 2000, dtype=np.int64))
    for band in range(BANDS):
        columns[f"band_{band:03d}"] = pa.array(hashed(np.where(band < SHARED, origin, of), 10 + band))
    words = np.repeat(hashed(origin, 2)[:, None], VALUES // 2, axis=1)
    words[copy, : VALUES // 20] ^= hashed(of[copy], 3)[:, None] | np.uint64(1 << 32 | 1)
    columns["signature"] = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(4 * VALUES), n, [None, pa.py_buffer(np.ascontiguousarray(words))]
    )
    place = Path(folder) / "prepared" / str(number)
    place.mkdir(parents=True)
    pq.write_table(pa.table(columns), place / "signatures.parquet", compression={"signature": "zstd"}, row_group_size=1024 * 8, use_dictionary=False)  # fmt: skip
    summary = {"key": str(number), "read": [{"documents": n, "bad_rows": 0}], "kept": n, "dropped": {}, "edits": []}
    plain = {**summary, "reasons": [], "columns": [], "files": {}, "folder": ""}
    (place / "summary.json").write_text(json.dumps(plain))


def hashed(numbers: Any, salt: int) -> Any:
    """splitmix64 of numbers: uint64[n]."""
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt) * np.uint64(
        0xD1B54A32D192ED03
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def ids_of(high: Any, low: Any) -> pa.Array:
    """16-byte ids."""
    both = np.ascontiguousarray(np.column_stack([high, low]))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(both), [None, pa.py_buffer(both)])


def piece(stage: str, folder: str, number: int) -> tuple[dict[str, Any], int]:
    """Run a piece as a task does: its counts, and the most that the process held."""
    from curation.releases.work import open_work, run_piece
    from curation.stages import named

    held_bytes()
    return run_piece(named(stage), open_work(folder), number), peak_bytes()


def begin(folder: str, partitions: int, name: str) -> Any:
    from curation.releases import work
    from schemas.recipe import Recipe
    from schemas.work import Input, Partition, Slice

    plain = {"name": "bench", "sources": [{"name": "a", "paths": ["a"]}], "output": f"{folder}/out"}
    file = Input("a", 0, "a", "a", 0, "", "", "jsonl")
    parts = [Partition(0, (Slice(0),)) for _ in range(partitions)]
    keys = [str(number) for number in range(partitions)]
    recipe = Recipe.model_validate(plain)
    return work.begin(f"{folder}/{name}", recipe, [file], parts, keys, f"{folder}/prepared")


def run(folder: str, partitions: int, workers: int) -> dict[str, Any]:
    """All stages with so many workers."""
    work = begin(folder, partitions, f"work-{workers}")
    pieces = {"keys": partitions, "settle:document": 1, "duplicates": 1}
    seconds, peak, dropped = {}, {}, 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.1] * workers))
        for stage in STAGES if work.ranges > 1 else STAGES[1:]:
            started = time.perf_counter()
            n = pieces.get(stage, work.ranges)
            done = list(pool.map(piece, [stage] * n, [work.folder] * n, range(n)))
            seconds[stage] = time.perf_counter() - started
            peak[stage] = max(held for _, held in done)
            dropped += sum(counts.get("dropped", 0) for counts, _ in done)
    decided = hashlib.sha256(
        b"".join(path.read_bytes() for path in sorted(Path(work.folder).glob("decided-*/*.parquet")))
    )
    return {"seconds": seconds, "peak": peak, "dropped": dropped, "decided": decided.hexdigest(), "ranges": work.ranges}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=30_000_000)
    asked = parser.parse_args()
    out = Console()
    with tempfile.TemporaryDirectory() as folder:
        partitions = -(-asked.documents // A_PARTITION)
        sizes = [min(A_PARTITION, asked.documents - number * A_PARTITION) for number in range(partitions)]
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(make, [folder] * partitions, range(partitions), sizes))
        found = {workers: run(folder, partitions, workers) for workers in (2, 1)}
    table = Table("stage", "1 worker, s", "2 workers, s", "ratio", "most MB of a process")
    one, two = found[1], found[2]
    for stage in one["seconds"]:
        a, b = one["seconds"][stage], two["seconds"][stage]
        most = max(one["peak"][stage], two["peak"][stage])
        table.add_row(stage, f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}", f"{most / 1e6:.0f}")
    a, b = sum(one["seconds"].values()), sum(two["seconds"].values())
    most = max(*one["peak"].values(), *two["peak"].values())
    table.add_row("all", f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}", f"{most / 1e6:.0f}")
    out.print(table)
    same = "the same" if one["decided"] == two["decided"] else "DIFFERENT"
    out.print(f"{asked.documents:,} documents, {one['ranges']} ranges, {one['dropped']:,} dropped; decisions {same}")


if __name__ == "__main__":
    main()
