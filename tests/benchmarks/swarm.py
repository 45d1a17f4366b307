"""A swarm beside one release of the same pool: seconds, space, and how fast its runs are read.

    python -m tests.benchmarks.swarm [--documents 1000000] [--runs 64] [--share 0.5]

Documents of 600 to 1,400 bytes in 24 groups whose sizes differ. The pool is prepared first (``plan``), so that both commands find it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUPS = 24
A_FILE = 50_000


def corpus(folder: Path, n: int) -> None:
    from tests.benchmarks.texts import documents

    draw = np.random.default_rng(0)
    shares = draw.dirichlet(np.full(GROUPS, 2.0))
    texts = documents(n, low=600, high=1400)
    for number in range(0, n, A_FILE):
        size = min(A_FILE, n - number)
        groups = draw.choice(GROUPS, size=size, p=shares)
        table = pa.table({"text": [next(texts) for _ in range(size)], "topic": [f"t{group:02}" for group in groups]})
        pq.write_table(table, folder / f"{number // A_FILE:03}.parquet")


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(*arguments: str) -> tuple[float, str]:
    started = time.perf_counter()
    command = [sys.executable, "-m", "flows.cli", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, done.stdout


def read(folder: Path) -> tuple[int, float, float]:
    """Rows, seconds to the first batch, and in all."""
    from curation.training import ShardDataset

    started = time.perf_counter()
    first, rows = 0.0, 0
    for batch in ShardDataset(str(folder), batch_size=64):
        first = first or time.perf_counter() - started
        rows += len(batch)
    return rows, first, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--share", type=float, default=0.5, help="of the pool's tokens, a run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "raw").mkdir()
        corpus(folder / "raw", asked.documents)
        recipe = folder / "recipe.yaml"
        plain = {
            "name": "bench",
            "output": str(folder / "out"),
            "sources": [{"name": "web", "paths": [str(folder / "raw" / "*.parquet")]}],
            "dedup": {"exact": False, "minhash": None},
            "tags": {"topic": {"from": "column", "column": "topic"}},
            "mixture": {"by": "topic"},
            "engine": {"kind": "processes", "workers": 2},
        }
        recipe.write_text(json.dumps(plain))
        prepared, said = timed("plan", str(recipe), "--json")
        tokens = json.loads(said)["phases"][0]["budget"]["amount"]
        one, _ = timed("run", str(recipe))
        home = folder / "out" / "bench"
        (release,) = home.glob("2*")
        each = str(int(tokens * asked.share))
        many, _ = timed("swarm", str(recipe), "--runs", str(asked.runs), "--tokens", each)
        (swarm,) = (home / "swarms").glob("2*")
        print(f"pool of {asked.documents:,} documents, {tokens:,.0f} tokens, prepared in {prepared:.0f} s")
        print(f"one release: {one:.0f} s, shards {bytes_in(release / 'shards'):,} bytes, all {bytes_in(release):,}")
        shards, runs = bytes_in(swarm / "shards"), bytes_in(swarm / "runs")
        print(
            f"{asked.runs} runs of {each} tokens: {many:.0f} s, texts {shards:,} bytes, runs {runs:,}, all {bytes_in(swarm):,}"
        )
        ratio = bytes_in(swarm) / bytes_in(release)
        print(f"space: {ratio:.3f} x one release ({(shards + runs) / bytes_in(release / 'shards'):.3f} x its shards)")
        for name, place in (("release", release), ("run", swarm / "runs" / "000")):
            rows, first, seconds = read(place)
            print(f"{name}: {rows:,} rows read at {rows / seconds:,.0f} a second, the first after {first:.2f} s")


if __name__ == "__main__":
    main()
