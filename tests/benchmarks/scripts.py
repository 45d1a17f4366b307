"""Recall of near duplicates by script: copies with words, or characters, replaced, beside what the S-curve says.

    python -m tests.benchmarks.scripts [--pairs 1000]

Words are made of a script's own letters; scripts without spaces run on, with a full stop now and then. The true Jaccard
similarity is that of the sets of 5-grams of units, by the definition in plain Python.
"""

from __future__ import annotations

import argparse
import random
import unicodedata
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from curation.dedup.minhash import band_keys, shares, signatures
from curation.dedup.normalise import units_of
from schemas.dedup import MinHash

SCRIPTS = {
    "Latin": (0x61, 0x7A, " "),
    "Latin, accents": (0xDF, 0x17F, " "),
    "Greek": (0x3B1, 0x3C9, " "),
    "Cyrillic": (0x430, 0x44F, " "),
    "Hebrew": (0x5D0, 0x5EA, " "),
    "Arabic": (0x621, 0x64A, " "),
    "Devanagari": (0x905, 0x94D, " "),
    "Hangul": (0xAC00, 0xB3FF, " "),
    "Chinese": (0x4E00, 0x56FF, ""),
    "Japanese": (0x3041, 0x30FA, ""),
    "Thai": (0xE01, 0xE4E, ""),
    "Lao": (0xE81, 0xECD, ""),
    "Khmer": (0x1780, 0x17D3, ""),
    "Myanmar": (0x1000, 0x104F, ""),
    "Tibetan": (0xF40, 0xFBC, ""),
}
"""First and last code point, and what stands between words."""
EDGES = ((0.6, 0.7), (0.7, 0.8), (0.8, 0.85), (0.85, 1.01))


def pairs_of(script: str, n: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Documents of some 150 to 400 units, and a copy of each with a share of its words replaced."""
    first, last, space = SCRIPTS[script]
    letters = [
        chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code)) in ("Ll", "Lo", "Mn", "Mc")
    ]
    draw = random.Random(f"{script} {seed}")
    size = 5 if space else 2
    vocabulary = ["".join(draw.choices(letters, k=draw.randrange(1, 2 * size))) for _ in range(3000)]
    for _ in range(n):
        words = draw.choices(vocabulary, k=draw.randrange(150, 250))
        wanted = draw.uniform(0.6, 1.0)
        share = 1 - (2 * wanted / (1 + wanted)) ** (1 / (5 if space else 3))
        edited = [draw.choice(vocabulary) if draw.random() < share else word for word in words]
        stop = "." if space else "。"
        yield tuple(  # type: ignore[misc]
            (stop + space).join(space.join(text[i : i + 15]) for i in range(0, len(text), 15))
            for text in (words, edited)
        )


def recall(script: str, n: int, params: MinHash, seed: int = 0) -> list[tuple[int, int, float]]:
    """For each of EDGES: pairs, how many are found (a band in common, and as similar as the bound), and how many the S-curve
    has."""
    pairs = list(pairs_of(script, n, seed))
    made = signatures(pa.array([text for pair in pairs for text in pair], pa.large_string()), params)
    keys = band_keys(made, params.bands, params.rows)
    even, odd = np.arange(0, 2 * n, 2), np.arange(1, 2 * n, 2)
    found = (keys[even] == keys[odd]).any(axis=1) & (shares(made, even, made, odd) >= (params.min_similarity or 0))
    true = np.array([jaccard(*(grams(text, params) for text in pair)) for pair in pairs])
    curve = 1 - (1 - true**params.rows) ** params.bands
    rows = []
    for low, high in EDGES:
        mine = (true >= low) & (true < high)
        rows.append((int(mine.sum()), int(found[mine].sum()), float(curve[mine].sum())))
    return rows


def grams(text: str, params: MinHash) -> set[tuple[str, ...]]:
    units = units_of(text, params.normalise)
    return {tuple(units[i : i + params.ngram]) for i in range(max(1, len(units) - params.ngram + 1))}


def jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000)
    asked = parser.parse_args()
    table = Table("script", *(f"J {low:.2f} to {min(high, 1):.2f}: found of pairs (S-curve)" for low, high in EDGES))
    for script in SCRIPTS:
        said = [
            f"{found / pairs:.3f} of {pairs} ({curve / pairs:.3f})" if pairs else "–"
            for pairs, found, curve in recall(script, asked.pairs, MinHash())
        ]
        table.add_row(script, *said)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
