"""Deduplication as the corpus grows, and a weekly run as its history grows: time and memory a document.

    python -m tests.benchmarks.growth [--documents 10000 100000 1000000] [--weeks 10] [--a-week 100000]

Short documents, some fifty words. Each size runs in processes of its own: *prepare* on two threads, then *deduplicate*
alone, whose memory is counted from before to its peak. Each week prepares, deduplicates and looks its documents up in what
the weeks before kept.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import alone, held_bytes, peak_bytes

BYTES_A_FILE = 50_000_000


def recipe_of(folder: Path) -> Any:
    from schemas.recipe import Recipe

    source = {"name": "a", "paths": [str(folder / "*.parquet")]}
    return Recipe.model_validate({"name": "bench", "sources": [source], "clean": {"unicode": "none"}})


def prepare_folder(folder: Path, work: Path) -> dict[str, float]:
    """Every file of a folder prepared, each in a folder of ``work``."""
    from curation.stages.prepare import warm_up
    from tests.partitions import prepare_files

    recipe = recipe_of(folder)
    warm_up(recipe)
    before, started = held_bytes(), time.perf_counter()
    prepare_files(recipe, work, workers=2)
    return {"seconds": time.perf_counter() - started, "bytes": peak_bytes() - before}


def prepared(work: Path) -> list[Any]:
    from curation.releases.work import load_prepared

    parts = [load_prepared(str(path)) for path in sorted(work.iterdir())]
    assert all(part is not None for part in parts)
    return parts


def deduplicate_all(folder: Path, work: Path) -> dict[str, float]:
    """The global step alone, after a small one has loaded what it uses."""
    from curation.stages.deduplicate import deduplicate

    params, parts = recipe_of(folder).dedup, prepared(work)
    if parts[0].kept < 20_000:
        deduplicate(parts[:1], params)
    before, started = held_bytes(), time.perf_counter()
    decided = deduplicate(parts, params).decided
    return {"seconds": time.perf_counter() - started, "bytes": peak_bytes() - before, "dropped": len(decided)}


def week(folder: Path, work: Path, home: str, name: str) -> dict[str, float]:
    """Deduplicate a prepared week, look it up in the history, and add to it what is kept."""
    from curation.dedup.rows import rows_by_partition
    from curation.releases import history
    from curation.releases.home import Home
    from curation.stages.deduplicate import deduplicate
    from curation.stages.history import drop_known

    params, parts, place = recipe_of(folder).dedup.model_copy(update={"history": True}), prepared(work), Home(home)
    gone = rows_by_partition(deduplicate(parts, params).decided, len(parts))
    before, started = held_bytes(), time.perf_counter()
    known = drop_known(parts, gone, place, params)
    seconds, held = time.perf_counter() - started, peak_bytes() - before
    also = rows_by_partition(known, len(parts))
    for number, part in enumerate(parts):
        rows = np.setdiff1d(np.arange(part.kept), np.union1d(gone[number], also[number]))
        history.write(part, rows, params=params, target=place.path(name, "history", f"{number:05d}.parquet"))
    Path(place.path(name, "manifest.json")).write_text("{}")
    index = history.index_of(place, params)
    return {"seconds": seconds, "bytes": held, "dropped": len(known), "rows": index.rows, "runs": len(index.runs)}


def main() -> None:
    """Print both tables."""
    from tests.benchmarks.texts import short_documents

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--a-week", type=int, default=100_000)
    asked = parser.parse_args()
    out = Console()
    table = Table("documents", "prepare, µs each", "peak MB", "deduplicate, µs each", "bytes each", "dropped")
    for n in asked.documents:
        with tempfile.TemporaryDirectory() as name:
            folder, work = Path(name) / "raw", Path(name) / "work"
            folder.mkdir()
            short_documents(folder, n, files=max(2, n // 100_000))
            one = alone(prepare_folder, folder, work)
            other = alone(deduplicate_all, folder, work)
            table.add_row(
                f"{n:,}",
                f"{1e6 * one['seconds'] / n:.1f}",
                f"{one['bytes'] / 1e6:.0f}",
                f"{1e6 * other['seconds'] / n:.1f}",
                f"{other['bytes'] / n:.0f}",
                f"{other['dropped']:,}",
            )
    out.print(table)
    table = Table("copies of one document", "deduplicate, µs each", "bytes each", "dropped")
    for n in asked.documents:
        with tempfile.TemporaryDirectory() as name:
            folder, work = Path(name) / "raw", Path(name) / "work"
            folder.mkdir()
            text = "the same words again and again, in capitals here and there, which are not compared"
            letters = [i for i, one in enumerate(text) if one.isalpha()][:24]
            copies = np.tile(np.frombuffer(text.encode(), np.uint8), (n, 1))
            for bit, place in enumerate(letters):
                copies[:, place] -= (32 * (np.arange(n) >> bit & 1)).astype(np.uint8)
            made = [row.tobytes().decode() for row in copies]
            pq.write_table(pa.table({"text": made}), folder / "0.parquet")
            alone(prepare_folder, folder, work)
            other = alone(deduplicate_all, folder, work)
            table.add_row(
                f"{n:,}",
                f"{1e6 * other['seconds'] / n:.1f}",
                f"{other['bytes'] / n:.0f}",
                f"{other['dropped']:,}",
            )
    out.print(table)
    table = Table("week", "history", "runs", "prepare, s", "history, s", "MB held", "dropped")
    with tempfile.TemporaryDirectory() as name:
        folder, work, home = Path(name) / "raw", Path(name) / "work", str(Path(name) / "home")
        for number in range(asked.weeks):
            folder.mkdir()
            short_documents(folder, asked.a_week, files=2, seed=number)
            if number:  # a twentieth came in the first week, but for a word
                short_documents(folder, asked.a_week // 20, files=1, copies=0.0, mark="again")
            one = alone(prepare_folder, folder, work)
            other = alone(week, folder, work, home, f"202601{number + 1:02d}T000000-aaaaaa")
            table.add_row(
                str(number + 1),
                f"{other['rows']:,}",
                str(other["runs"]),
                f"{one['seconds']:.2f}",
                f"{other['seconds']:.2f}",
                f"{other['bytes'] / 1e6:.0f}",
                f"{other['dropped']:,}",
            )
            shutil.rmtree(folder)
            shutil.rmtree(work)
    out.print(table)


if __name__ == "__main__":
    main()
