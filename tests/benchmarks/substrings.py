"""Repeated substrings, Parquet in and out, by two processes: MB of text a second, state, memory, and bytes that differ from what a
suffix array says.

    python -m tests.benchmarks.substrings [--megabytes 100] [--min-bytes 500] [--gigabytes 1 10] [--workers 2]

First on the Python files of the installed packages, beside ``pydivsufsort`` (extra ``bench``), then on made sets that repeat in every way
(``tests.repeats``), then, for memory, on made pages a tenth of which stood before. The stages run as a run has them, each piece in a
process of a pool; differing bytes are counted for sets that a suffix array can hold.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import alone, held_bytes, peak_bytes, without_missing
from tests.benchmarks.ranges import ids_of, piece
from tests.repeats import made_sets, stood_before, whole_characters

STAGES = ("find-anchors", "equal-anchors", "surroundings", "repeated-substrings", "cut-substrings")
PARTITION_BYTES, ROW_GROUP_BYTES = 25_500_000, 4_000_000
LARGE = 100_000_000
"""A partition of gigabytes, as a run cuts them."""
ORACLE_BYTES = 200_000_000


def python_files(size: int) -> Iterator[bytes]:
    """The Python files of the installed packages, up to so many bytes."""
    held = 0
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        text = path.read_bytes()
        try:
            text.decode()
        except UnicodeDecodeError:
            continue
        yield text
        held += len(text)
        if held >= size:
            return


def pages(size: int) -> Iterator[bytes]:
    """Made pages of 3 kB, about a tenth of whose bytes stood before."""
    draw = np.random.default_rng(0)
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgkjqxz      ,.", np.uint8)
    common = [draw.choice(letters, 700).tobytes() for _ in range(2000)]
    for _ in range(size // 3000):
        text = letters[draw.integers(0, len(letters), 2600, dtype=np.uint8)].tobytes()
        yield text + common[draw.integers(len(common))] if draw.random() < 0.4 else text


def prepared(folder: Path, documents: Iterable[bytes], partition_bytes: int = PARTITION_BYTES) -> tuple[int, int]:
    """Prepared partitions of documents, as *prepare* leaves them, columns that no one reads left out: partitions, bytes."""
    number, total, numbered = 0, 0, 0
    held: list[bytes] = []
    writer: Any = None
    kept = text_bytes = group = 0
    schema = pa.schema([("slice", pa.int32()), ("row", pa.int64()), ("id", pa.string()), ("text", pa.large_string())])

    def write() -> None:
        nonlocal kept, group, held, numbered
        n = len(held)
        row = np.arange(numbered, numbered + n)
        table = pa.table([pa.repeat(pa.scalar(0, pa.int32()), n), row, pa.nulls(n, pa.string()), pa.array(held, pa.large_binary()).cast(pa.large_string())], schema=schema)  # fmt: skip
        writer.write_table(table)
        held, group, kept, numbered = [], 0, kept + n, numbered + n

    def close() -> None:
        nonlocal number, kept, text_bytes
        write()
        writer.close()
        rows = np.arange(numbered - kept, numbered)
        pq.write_table(pa.table({"id": ids_of(rows.astype(np.uint64), rows.astype(np.uint64))}), place / "signatures.parquet")  # fmt: skip
        summary = {"key": str(number), "read": [{"documents": kept, "bad_rows": 0}], "kept": kept, "dropped": {}}
        plain = {
            **summary,
            "edits": [],
            "reasons": [],
            "columns": [],
            "files": {},
            "folder": "",
            "text_bytes": text_bytes,
        }
        (place / "summary.json").write_text(json.dumps(plain))
        number, kept, text_bytes = number + 1, 0, 0

    for text in documents:
        if writer is None or text_bytes + len(text) > partition_bytes:
            if writer is not None:
                close()
            place = folder / "prepared" / str(number)
            place.mkdir(parents=True)
            writer = pq.ParquetWriter(place / "documents.parquet", schema, compression="zstd")
        held.append(text)
        group, text_bytes, total = group + len(text), text_bytes + len(text), total + len(text)
        if group >= ROW_GROUP_BYTES:
            write()
    close()
    return number, total


def begin(folder: Path, partitions: int, min_bytes: int) -> Any:
    from curation.releases import work
    from schemas.recipe import Recipe
    from schemas.work import Input, Partition, Slice

    plain = {"name": "bench", "sources": [{"name": "a", "paths": ["a"]}], "output": f"{folder}/out"}
    recipe = Recipe.model_validate({**plain, "dedup": {"substrings": {"min_bytes": min_bytes}}})
    parts = [Partition(0, (Slice(0),)) for _ in range(partitions)]
    keys = [str(number) for number in range(partitions)]
    file = Input("a", 0, "a", "a", 0, "", "", "jsonl")
    return work.begin(f"{folder}/work", recipe, [file], parts, keys, f"{folder}/prepared")


def measured(
    folder: Path, documents: Iterable[bytes], min_bytes: int, workers: int, partition_bytes: int = PARTITION_BYTES
) -> dict[str, Any]:
    """All stages over documents: seconds by stage, the most memory of a process, state on disk, what was cut."""
    partitions, total = prepared(folder, documents, partition_bytes)
    work = begin(folder, partitions, min_bytes)
    seconds, peak = {}, 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_warm, [min_bytes] * workers))
        for stage in STAGES:
            started = time.perf_counter()
            n = work.shelves if "equal" in stage or "repeated" in stage else partitions
            done = list(pool.map(piece, [stage] * n, [work.folder] * n, range(n)))
            seconds[stage] = time.perf_counter() - started
            peak = max([peak, *(held for _, held in done)])
    sizes = {
        name: sum(p.stat().st_size for p in (folder / "work" / name).glob("*")) for name in ("anchors", "surroundings")
    }
    counts = [counts for counts, _ in done]
    cut = sum(one["repeated_bytes"] for one in counts)
    return {"bytes": total, "seconds": seconds, "peak": peak, **sizes, "cut": cut, "partitions": partitions}


def _warm(min_bytes: int) -> None:
    """Import all, and compile or load what was compiled, before the clock runs."""
    import curation.stages  # noqa: F401
    from curation.dedup.anchors import anchors_of
    from curation.dedup.substrings import repeats

    held_bytes()
    data = np.frombuffer(b"one text and the same text " * 100, np.uint8)
    found, _ = anchors_of(data, np.array([0, len(data)]), min_bytes)
    repeats(found.key, found.after, found.before, data, np.zeros(len(found.key), dtype=np.int64), min_bytes)


def differing(folder: Path, documents: list[bytes], min_bytes: int) -> tuple[int, float, int]:
    """Bytes cut by one and not by the other, seconds of the suffix array, and the most memory of its process."""
    ours = np.zeros(sum(map(len, documents)), dtype=bool)
    starts = np.cumsum([0, *(len(one) for one in documents)])
    first = 0
    for number in range(len(list((folder / "prepared").iterdir()))):
        spans = pq.read_table(folder / "work" / "substrings" / f"{number:05d}.parquet").to_pydict()
        for row, start, end in zip(spans["row"], spans["start"], spans["end"], strict=True):
            ours[starts[first + row] + start : starts[first + row] + end] = True
        first += json.loads((folder / "prepared" / str(number) / "summary.json").read_text())["kept"]
    theirs, seconds, peak = alone(_suffix_array, documents, min_bytes)
    return int((ours != whole_characters(documents, theirs)).sum()), seconds, peak


def _suffix_array(documents: list[bytes], min_bytes: int) -> tuple[Any, float, int]:
    held_bytes()
    started = time.perf_counter()
    found = stood_before(documents, min_bytes)
    return found, time.perf_counter() - started, peak_bytes()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--min-bytes", type=int, nargs="*", default=[500, 200, 100])
    parser.add_argument("--sets", type=int, default=50, help="MB of each made set")
    parser.add_argument("--gigabytes", type=int, nargs="*", default=[1])
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    oracle = bool(without_missing(["pydivsufsort"]))
    out = Console(width=200)
    columns = ("text", "window", "MB", "seconds", "MB/s", "anchors, B/B", "surroundings, B/B", "cut", "most MB", "suffix array, MB/s", "its MB", "differing bytes")  # fmt: skip
    table = Table(*columns)

    def add(name: str, documents: Any, min_bytes: int, compare: bool, partition_bytes: int = PARTITION_BYTES) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            found = measured(place, documents, min_bytes, asked.workers, partition_bytes)
            mb, seconds = found["bytes"] / 1e6, sum(found["seconds"].values())
            row = [name, str(min_bytes), f"{mb:.0f}", f"{seconds:.1f}", f"{mb / seconds:.0f}"]
            row += [f"{found[what] / found['bytes']:.3f}" for what in ("anchors", "surroundings", "cut")]
            row.append(f"{found['peak'] / 1e6:.0f}")
            out.print(name, {stage: round(one, 2) for stage, one in found["seconds"].items()}, style="dim")
            if compare:
                bad, theirs, peak = differing(place, documents, min_bytes)
                row += [f"{mb / theirs:.1f}", f"{peak / 1e6:.0f}", f"{bad:,}"]
            table.add_row(*row)

    real = list(python_files(asked.megabytes * 1_000_000))
    for min_bytes in asked.min_bytes:
        add("Python files", real, min_bytes, oracle)
    for name, make in made_sets(asked.sets * 1_000_000).items() if asked.sets else ():
        add(name, make(), 500, oracle)
    for gigabytes in asked.gigabytes:
        add("made pages", pages(gigabytes * 10**9), 500, False, LARGE)
    out.print(table)


if __name__ == "__main__":
    main()
