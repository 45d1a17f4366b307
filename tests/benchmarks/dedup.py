"""Near duplicates end to end beside gaoya, rensa and datatrove: MB/s, memory, recall by similarity, false drops.

    python -m tests.benchmarks.dedup [--documents 100000] [--peers gaoya rensa datatrove] [--text-dedup PYTHON]

Each contender runs in a process of its own over the same Parquet files, on two cores: read, sign, find, decide. Ours is
the product's own way, *prepare* and *deduplicate*, with its tables written. Word 5-grams, 14 bands of 8 rows; ours
verifies candidates at 0.7. Documents are words drawn by their frequency in the installation's prose; a part of them are
copies with words replaced, whose true Jaccard is computed. datatrove, the slowest, runs on a quarter. Peers that are not installed
(`pip install -e ".[bench]"`) are left out by name.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import alone, peak_bytes, without_missing

NGRAM, BANDS, ROWS, BOUND = 5, 14, 8, 0.7
WORDS = 660
FILES = 8
COPIES = 0.15
EDGES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0001)


def make(folder: Path, n: int, seed: int = 0) -> float:
    """Write the documents and the truth; megabytes of text."""
    from tests.benchmarks.texts import paragraphs

    counts = Counter(
        word for text in paragraphs() for word in text.lower().split() if word.isascii() and word.isalpha()
    )
    names = np.array([word for word, _ in counts.most_common(60_000)])
    weights = np.array([counts[word] for word in names], dtype=float) ** 0.75
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    texts: list[str] = []
    pairs: list[tuple[int, int, float]] = []
    pool = rng.choice(len(names), size=(2_000_000,), p=weights / weights.sum())
    for number in range(n):
        if number > 100 and draw.random() < COPIES:
            original = draw.randrange(number)
            words = texts[original].split(" ")
            wanted = draw.uniform(0.35, 1.0)
            share = 1 - (2 * wanted / (1 + wanted)) ** (1 / NGRAM)
            edited = [names[pool[draw.randrange(len(pool))]] if draw.random() < share else word for word in words]
            texts.append(" ".join(edited))
            pairs.append((original, number, jaccard(words, edited)))
        else:
            start = draw.randrange(len(pool) - 2 * WORDS)
            cut = pool[start : start + draw.randrange(WORDS // 2, 3 * WORDS // 2)].copy()
            rng.shuffle(cut)
            texts.append(" ".join(names[cut]))
    step = -(-n // FILES)
    for file in range(FILES):
        part = texts[file * step : (file + 1) * step]
        ids = [str(file * step + i) for i in range(len(part))]
        pq.write_table(pa.table({"id": ids, "text": part}), folder / f"{file}.parquet", row_group_size=2000)
    (folder / "pairs.json").write_text(json.dumps(pairs))
    return sum(map(len, texts)) / 1e6


def jaccard(one: list[str], other: list[str]) -> float:
    """Of the sets of word 5-grams."""
    a, b = ({tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)} for words in (one, other))
    return len(a & b) / len(a | b)


def ours(folder: Path, work: Path, bound: float | None = BOUND) -> tuple[set[int], dict[str, float]]:
    """Dropped documents by number, and seconds by step."""
    from curation.stages.deduplicate import deduplicate
    from curation.stages.prepare import warm_up
    from schemas.recipe import Recipe
    from tests.partitions import prepare_files

    recipe = Recipe.model_validate(
        {
            "name": "bench",
            "sources": [{"name": "a", "paths": [str(folder / "*.parquet")]}],
            "clean": {"unicode": "none"},
            "dedup": {"minhash": {"ngram": NGRAM, "bands": BANDS, "rows": ROWS, "min_similarity": bound}},
        }
    )
    warm_up(recipe)
    started = time.perf_counter()
    parts = prepare_files(recipe, work, workers=2)
    prepared = time.perf_counter()
    decided = deduplicate(parts, recipe.dedup).decided
    ended = time.perf_counter()
    starts = np.cumsum([0, *(part.kept for part in parts)])
    gone = starts[decided["partition"].to_numpy()] + decided["index"].to_numpy()
    seconds = {"all": ended - started, "prepare": prepared - started, "deduplicate": ended - prepared}
    for part in parts:
        for step, one in part.seconds.items():
            seconds[f"  {step} (of two threads)"] = seconds.get(f"  {step} (of two threads)", 0.0) + one
    return set(gone.tolist()), seconds


def bands_alone(folder: Path, work: Path) -> tuple[set[int], dict[str, float]]:
    """Ours, but every agreement in a band counts: what the S-curve speaks of."""
    return ours(folder, work, None)


def stages_alone(folder: Path, work: Path) -> dict[str, float]:
    """Seconds of each stage by itself, on two threads, with its input in memory: their sum is the limit of this design."""
    from blake3 import blake3

    from curation.dedup import clusters
    from curation.dedup.minhash import band_keys, signature_schema, signatures
    from schemas.dedup import MinHash

    params = MinHash(ngram=NGRAM, bands=BANDS, rows=ROWS, min_similarity=BOUND)
    seconds: dict[str, float] = {}

    def timed(name: str, one: Callable[[int], Any]) -> list[Any]:
        started = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            made = list(pool.map(one, range(FILES)))
        seconds[name] = time.perf_counter() - started
        return made

    tables = timed("read", lambda i: pq.read_table(folder / f"{i}.parquet", use_threads=False))
    texts = [table["text"].cast(pa.large_string()).combine_chunks() for table in tables]
    ids = timed("ids", lambda i: [blake3(text.as_buffer()).digest(16) for text in texts[i]])
    signatures(texts[0].slice(0, 1), params)
    made = timed("hash and permute", lambda i: signatures(texts[i], params))
    keys = timed("band", lambda i: band_keys(made[i], BANDS, ROWS))
    whole, values = np.concatenate(keys), np.concatenate(made)
    started = time.perf_counter()
    numbers = np.arange(len(whole))

    def alike(a: Any, b: Any) -> Any:
        return (values[a] == values[b]).mean(axis=1)

    found = clusters.candidates((np.ascontiguousarray(whole[:, band]), numbers) for band in range(BANDS))
    for block, pairs in found.items():
        for edges in clusters.verified(block, pairs, alike):
            clusters.join(clusters.counting(edges, BOUND), lambda rows: rows, alike, BOUND)
    seconds["cluster"] = time.perf_counter() - started

    def write(i: int) -> None:
        flat = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(4 * BANDS * ROWS), len(made[i]), [None, pa.py_buffer(made[i])]
        )
        columns = [pa.array(ids[i], pa.binary(16)), pa.array([0] * len(ids[i]), pa.int64())]
        columns += [pa.array(np.ascontiguousarray(keys[i][:, band])) for band in range(BANDS)]
        signed = pa.Table.from_arrays([*columns, flat], schema=signature_schema(params))
        plain = {"compression": "none", "use_dictionary": False}
        pq.write_table(signed, work / f"s{i}.parquet", **plain)
        pq.write_table(pa.table({"text": texts[i]}), work / f"d{i}.parquet", **plain)

    timed("write", write)
    return seconds


def read(folder: Path) -> list[str]:
    """All texts, in order."""
    return [text for file in range(FILES) for text in pq.read_table(folder / f"{file}.parquet")["text"].to_pylist()]


def gaoya(folder: Path, _work: Path) -> tuple[set[int], dict[str, float]]:
    """The Rust index; a document goes if one before it answers to it."""
    from gaoya.minhash import MinHashStringIndex

    started = time.perf_counter()
    texts = read(folder)
    index = MinHashStringIndex(32, BOUND, BANDS, ROWS, None, "word", True, (NGRAM, NGRAM), "smallvec")
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    found = index.par_bulk_query(texts)
    gone = {i for i, others in enumerate(found) if min(others, default=i) < i}
    return gone, {"all": time.perf_counter() - started}


def rensa(folder: Path, _work: Path) -> tuple[set[int], dict[str, float]]:
    """Token sets in Python, the rest in Rust."""
    from rensa import RMinHash, RMinHashLSH

    started = time.perf_counter()
    texts = read(folder)
    gone: set[int] = set()
    index = RMinHashLSH(BOUND, BANDS * ROWS, BANDS)
    for start in range(0, len(texts), 2000):
        sets = []
        for text in texts[start : start + 2000]:
            words = text.lower().split()
            sets.append({" ".join(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)})
        for i, one in enumerate(RMinHash.from_token_sets(sets, BANDS * ROWS, 42), start=start):
            if index.query(one):
                gone.add(i)
            index.insert(i, one)
    return gone, {"all": time.perf_counter() - started}


def datatrove(folder: Path, work: Path) -> tuple[set[int], dict[str, float]]:
    """Its four stages on two workers, over two files of the eight."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.utils.hashing import HashConfig

    config = MinhashConfig(
        hash_config=HashConfig(precision=64), num_buckets=BANDS, hashes_per_bucket=ROWS, n_grams=NGRAM
    )
    started = time.perf_counter()
    sign = [
        ParquetReader(str(folder), glob_pattern="[01].parquet"),
        MinhashDedupSignature(str(work / "s"), config=config),
    ]
    LocalPipelineExecutor(sign, tasks=2, workers=2, logging_dir=str(work / "l1")).run()
    buckets = [MinhashDedupBuckets(str(work / "s"), str(work / "b"), config=config)]
    LocalPipelineExecutor(buckets, tasks=BANDS, workers=2, logging_dir=str(work / "l2")).run()
    cluster = [MinhashDedupCluster(str(work / "b"), str(work / "r"), config=config)]
    LocalPipelineExecutor(cluster, tasks=1, logging_dir=str(work / "l3")).run()
    return set(), {"all": time.perf_counter() - started}


CONTENDERS: dict[str, Callable[[Path, Path], tuple[set[int], dict[str, float]]]] = {
    "syllabus": ours,
    "bands alone": bands_alone,
    "gaoya": gaoya,
    "rensa": rensa,
    "datatrove": datatrove,
}


def text_dedup(python: str, folder: Path) -> float:
    """Seconds of its command on two processes; it wants older packages than ours, so an environment of its own."""
    with tempfile.TemporaryDirectory() as work:
        shape = ["--ngram", NGRAM, "--num_perm", BANDS * ROWS, "--b", BANDS, "--r", ROWS, "--hash_func", "xxh3"]
        place = ["--path", "parquet", "--data_files", folder / "*.parquet", "--split", "train", "--column", "text"]
        rest = ["--cache_dir", f"{work}/cache", "--output", f"{work}/out", "--num_proc", 2, "--batch_size", 10_000]
        started = time.perf_counter()
        command = [python, "-m", "text_dedup.minhash", *map(str, [*shape, *place, *rest])]
        offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": f"{work}/home", "HF_DATASETS_CACHE": f"{work}/cache"}
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **offline})
        return time.perf_counter() - started


def limit(folder: Path) -> dict[str, float]:
    """``stages_alone`` with a folder to write to."""
    with tempfile.TemporaryDirectory() as work:
        return stages_alone(folder, Path(work))


def run(name: str, folder: Path) -> tuple[set[int], dict[str, float], float]:
    """A contender: dropped, seconds, peak megabytes."""
    with tempfile.TemporaryDirectory() as work:
        gone, seconds = CONTENDERS[name](folder, Path(work))
    return gone, seconds, peak_bytes() / 1e6


def quality(gone: set[int], pairs: list[tuple[int, int, float]]) -> list[tuple[str, int, float, float]]:
    """(similarities, pairs, share of pairs of which one goes, what the S-curve says)."""
    rows = []
    times = Counter(document for a, b, _ in pairs for document in (a, b))
    alone = [pair for pair in pairs if times[pair[0]] == times[pair[1]] == 1]  # nothing else can have dropped either
    for low, high in pairwise(EDGES):
        mine = [(a, b, s) for a, b, s in alone if low <= s < high]
        if mine:
            found = sum(a in gone or b in gone for a, b, _ in mine) / len(mine)
            curve = float(np.mean([1 - (1 - s**ROWS) ** BANDS for _, _, s in mine]))
            rows.append((f"{low:.2f} to {min(high, 1):.2f}", len(mine), found, curve))
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--peers", nargs="*", default=["gaoya", "rensa", "datatrove"])
    parser.add_argument("--text-dedup", metavar="PYTHON", help="the interpreter of an environment that has text-dedup")
    asked = parser.parse_args()
    out = Console()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        size = make(folder, asked.documents)
        pairs = json.loads((folder / "pairs.json").read_text())
        out.print(f"{asked.documents:,} documents, {size:.0f} MB, {len(pairs):,} planted copies")
        table, curves = Table("", "MB/s", "ratio", "peak MB"), Table("similarity", "pairs", "S-curve")
        found: dict[str, list[tuple[str, int, float, float]]] = {}
        speeds: dict[str, float] = {}
        for name in ["syllabus", "bands alone", *without_missing(asked.peers)]:
            gone, seconds, peak = alone(run, name, folder)
            speeds[name] = size * (2 / FILES if name == "datatrove" else 1) / seconds["all"]
            table.add_row(name, f"{speeds[name]:.1f}", f"{speeds['syllabus'] / speeds[name]:.1f}", f"{peak:.0f}")
            if name != "datatrove":
                found[name] = quality(gone, pairs)
                curves.add_column(name)
            if name == "syllabus":
                for step, one in seconds.items():
                    out.print(f"  {step}: {one:.2f} s")
        if asked.text_dedup is not None:
            speed = size / text_dedup(asked.text_dedup, folder)
            table.add_row("text-dedup", f"{speed:.1f}", f"{speeds['syllabus'] / speed:.1f}", "")
        out.print(table)
        stages = alone(limit, folder)
        most = size / sum(stages.values())
        said = ", ".join(f"{name} {one:.2f} s" for name, one in stages.items())
        out.print(
            f"limit, the sum of the stages alone: {most:.0f} MB/s ({said}); reached {speeds['syllabus'] / most:.0%}"
        )
        for row in zip(*found.values(), strict=True):
            curves.add_row(row[0][0], str(row[0][1]), f"{row[0][3]:.3f}", *(f"{one[2]:.3f}" for one in row))
        out.print(curves)


if __name__ == "__main__":
    main()
