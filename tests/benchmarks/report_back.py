"""Losses of ten million documents to the next round's plan: the report as `LossReporter` wrote it, found for each document of the pool by
its id, a row group at a time as *tag* does, then the plan that sorts by it. Seconds and memory of the whole.

    python -m tests.benchmarks.report_back [--documents 10000000]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.side_table import look_up
from curation.mixture import planning
from curation.mixture.planning import Feedback
from curation.mixture.pool import Pool
from curation.training import LossReporter
from schemas.recipe import Recipe

GROUP, WORKERS, BATCH = 4096, 2, 65_536


def ids_of(words: npt.NDArray[np.uint64]) -> pa.Array:
    """32 hex digits each."""
    digits = words.tobytes().hex()
    return pa.array([digits[at : at + 32] for at in range(0, len(digits), 32)], pa.string())


def main() -> None:
    """Print the seconds of each step, and the peak."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, default=10_000_000)
    n = parser.parse_args().documents
    draw = np.random.default_rng(0)
    words = draw.integers(0, 2**63, (n, 2)).astype(np.uint64)
    losses = draw.random(n)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "report.parquet")
        with LossReporter(documents=path, run_id="r") as reporter:
            for start in range(0, n, BATCH):
                mine = slice(start, start + BATCH)
                reporter.of_documents(ids_of(words[mine]).to_pylist(), loss=losses[mine])
        order = draw.permutation(n)

        def tagged(start: int) -> npt.NDArray[np.float64]:
            documents = pa.table({"id": ids_of(words[order[start : start + GROUP]])})
            return look_up(documents, path, "loss", "id", place="x").to_numpy(zero_copy_only=False)

        began = time.perf_counter()
        tagged(0)
        print(f"{n:,} rows read and sorted: {time.perf_counter() - began:.1f} s", flush=True)
        with ThreadPoolExecutor(WORKERS) as threads:
            scores = np.concatenate(list(threads.map(tagged, range(0, n, GROUP))))
    assert np.array_equal(scores, losses[order])
    print(f"and found for {n:,} documents, {WORKERS} threads: {time.perf_counter() - began:.1f} s", flush=True)
    tokens = draw.integers(50, 150, n)
    zeros, index = np.zeros(n, dtype=np.int32), np.arange(n, dtype=np.int32)
    pool = Pool(
        ids=words[order], partition=zeros, index=index, bytes_=tokens * 4, tokens=tokens, columns={"last": scores}
    )
    recipe = Recipe.model_validate(
        {
            "name": "x",
            "sources": [{"name": "s", "paths": ["s.jsonl"]}],
            "tags": {"last": {"from": "number", "column": "last"}},
            "mixture": None,
            "phases": [{"name": "a", "epochs": 1, "order": {"method": "sort", "by": "last"}}],
        }
    )
    planning.plan_and_schedule(recipe, pool, Feedback())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"and planned: {time.perf_counter() - began:.1f} s; at most {peak:.1f} GB", flush=True)


if __name__ == "__main__":
    main()
