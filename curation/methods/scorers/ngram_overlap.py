"""Overlap of the document with a target set, by word n-grams: share of the document, or coverage of an item.

Source of the second: TÜLU 3 (Lambert et al. 2024), 3.2: a word of an item is covered if document and item share an
n-gram it lies in. Where we differ: words are lower-case runs of letters and digits, not spaCy's tokens, and every item
is compared, not the first hits of a search engine. An item of fewer than n words has no n-gram and covers nothing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curation.arrays.arrow_text import as_text
from curation.methods.target_texts import read_targets, target_files
from schemas.scorers import NgramOverlap

WORD = r"[\p{L}\p{N}]+"
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def ngram_overlap(documents: pa.Table, params: NgramOverlap, *, place: str) -> npt.NDArray[np.float64]:
    """A share in [0, 1] for each document: float64[n]; of the document: NaN where it has fewer than n words.

    Raises RecipeError (``read_targets``).
    """
    files = target_files(params.target, place=place)
    target, sizes = _target(files, params.target_column, params.ngram, place)
    mine, _ = ngrams(as_text(documents["text"]), params.ngram)
    n = len(documents)
    if params.share_of == "document":
        hits = np.isin(mine["hash"].to_numpy(), target["hash"].unique().to_numpy())
        rows = mine["row"].to_numpy()
        total = np.bincount(rows, minlength=n)
        with np.errstate(invalid="ignore"):
            return np.bincount(rows[hits], minlength=n) / np.where(total > 0, total, np.nan)
    items = target.rename({"row": "item"})
    shared = mine.select("row", "hash").unique().join(items, on="hash").sort("row", "item", "place")
    if not len(shared):
        return np.zeros(n)
    row, item, where = (shared[c].to_numpy() for c in ("row", "item", "place"))
    last = np.r_[(row[1:] != row[:-1]) | (item[1:] != item[:-1]), True]
    gap = np.r_[where[1:] - where[:-1], params.ngram]
    covered = np.where(last, params.ngram, np.minimum(gap, params.ngram))
    group = np.cumsum(np.r_[0, last[:-1]])
    shares = np.bincount(group, weights=covered) / sizes[item[last]]
    result = np.zeros(n)
    np.maximum.at(result, row[last], shares)
    return result


def ngrams(texts: pa.LargeStringArray, n: int) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """All n-grams as (row, place of the first word, 64-bit hash), and the number of words of each text, int64[rows]."""
    words = pl.Series(texts).str.to_lowercase().str.extract_all(WORD)
    sizes = words.list.len().cast(pl.Int64).to_numpy()
    flat = words.explode(empty_as_null=False).hash(seed=0).to_numpy()
    rows = np.repeat(np.arange(len(sizes)), sizes)
    places = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    count = max(len(flat) - n + 1, 0)
    mixed = np.zeros(count, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for k in range(n):
            mixed = (mixed ^ flat[k : k + count]) * _MULTIPLIER
            mixed ^= mixed >> np.uint64(29)
    inside = places[:count] + n <= sizes[rows[:count]]
    frame = pl.DataFrame({"row": rows[:count][inside], "place": places[:count][inside], "hash": mixed[inside]})
    return frame, sizes


@lru_cache(maxsize=4)
def _target(
    files: tuple[tuple[str, str], ...], column: str, n: int, place: str
) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    return ngrams(read_targets(files, column, place=place), n)
