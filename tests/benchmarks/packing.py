"""Packing: what each method fills up, cuts and throws away, beside best-fit decreasing over all documents at once.

    python -m tests.benchmarks.packing [--documents 1000000] [--length 4096]

Sizes are lognormal, as a crawl's are: a median of 500 tokens, one in a hundred longer than a sequence of 4,096. The reference is best-fit
decreasing (Ding et al. 2024) with every document to choose from, in plain Python over counts of each room.
"""

from __future__ import annotations

import argparse
import bisect
import time

import numpy as np

from curation.training.placing import best_fit, next_fit, place


def reference(sizes: np.ndarray, length: int) -> tuple[int, int]:
    """(sequences, tokens filled up) where every document may go anywhere."""
    sequences = int((sizes // length).sum())
    rooms: list[int] = []
    for size in sorted((sizes % length).tolist(), reverse=True):
        if not size:
            continue
        at = bisect.bisect_left(rooms, size)
        if at == len(rooms):
            sequences += 1
            left = length - size
        else:
            left = rooms.pop(at) - size
        if left:
            bisect.insort(rooms, left)
    return sequences, sum(rooms)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--length", type=int, default=4096)
    given = parser.parse_args()
    length = given.length
    sizes = np.random.default_rng(0).lognormal(np.log(500), 1.0, given.documents).astype(np.int64) + 1
    total, longer = int(sizes.sum()), int((sizes > length).sum())
    print(f"{len(sizes):,} documents, {total:,} tokens, {longer / len(sizes):.2%} longer than {length:,}")

    def said(name: str, parts: np.ndarray, seconds: float) -> None:
        rows = int(parts[-1, 0]) + 1
        written = int((parts[:, 4] - parts[:, 3]).sum())
        pieces = np.bincount(parts[:, 1], minlength=len(sizes))
        cut = int(((pieces > 1) & (sizes <= length)).sum())
        padded = 1 - written / (rows * length)
        print(
            f"{name}: {padded:.2%} filled up, {cut / len(sizes):.2%} cut that would fit, {1 - written / total:.2%} thrown away, {seconds:.1f} s"
        )

    for window in (1, 1000, 10_000):
        best_fit(sizes[:10], length, window)
    for name, make in {
        "concat": lambda: place(sizes, length, False, 1)[0],
        "complete": lambda: place(sizes, length, True, 1)[0],
        "best_fit, window 0": lambda: next_fit(sizes, length),
        "best_fit, window 1,000": lambda: best_fit(sizes, length, 1000),
        "best_fit, window 10,000": lambda: best_fit(sizes, length, 10_000),
    }.items():
        started = time.perf_counter()
        parts = make()
        said(name, parts, time.perf_counter() - started)
    started = time.perf_counter()
    rows, padded = reference(sizes, length)
    print(
        f"best-fit decreasing over all: {padded / (rows * length):.2%} filled up ({time.perf_counter() - started:.1f} s)"
    )


if __name__ == "__main__":
    main()
