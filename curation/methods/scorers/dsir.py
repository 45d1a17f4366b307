"""DSIR's log importance weight of a document: log of target over raw n-gram probability, summed over its n-grams.

Source: DSIR (Xie et al. 2023), ``data_selection/hashed_ngram_dsir.py``. Lower-cased text is cut into words and runs of
punctuation; n-grams (joined by one space) are hashed by int(sha256) mod buckets; log w = Σ count · (log(p_target + ε) −
log(p_raw + ε)). The raw distribution is that of the whole pool (the paper's code stops after 1e9 tokens). The weight
grows with length: long documents have extreme ones.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curation.arrays.arrow_text import as_text
from curation.methods.target_texts import read_targets, target_files
from schemas.scorers import Dsir

WORD = r"[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+"
Int = npt.NDArray[np.int64]


def partial(documents: pa.Table, params: Dsir, *, seed: int) -> pa.Table:
    """How often each bucket is hit in a batch: int64[buckets]."""
    buckets, _, _ = hashed(as_text(documents["text"]), params.ngram, params.buckets)
    return pa.table({"counts": np.bincount(buckets, minlength=params.buckets)})


def merge(partials: list[pa.Table], params: Dsir) -> pa.Table:
    """The sum of the counts."""
    return pa.table({"counts": np.sum([part["counts"].to_numpy() for part in partials], axis=0)})


def fit(partials: pa.Table, params: Dsir, *, seed: int, place: str) -> pa.Table:
    """The log ratio of each bucket: float64[buckets]. Raises RecipeError (``read_targets``)."""
    raw = partials["counts"].to_numpy()
    texts = read_targets(target_files(params.target, place=place), params.target_column, place=place)
    target = np.bincount(hashed(texts, params.ngram, params.buckets)[0], minlength=params.buckets)
    return pa.table({"log_ratio": log_ratios(target, raw, params.smoothing)})


def log_ratios(target: Int, raw: Int, smoothing: float) -> npt.NDArray[np.float64]:
    """log(p_target + ε) − log(p_raw + ε) of each bucket: float64[buckets]."""
    shares = [counts / max(int(counts.sum()), 1) for counts in (target, raw)]
    return np.log(shares[0] + smoothing) - np.log(shares[1] + smoothing)


def dsir(documents: pa.Table, params: Dsir, state: pa.Table) -> npt.NDArray[np.float64]:
    """float64[n]; NaN for a document of fewer than ``min_words`` words."""
    buckets, rows, words = hashed(as_text(documents["text"]), params.ngram, params.buckets)
    ratios = state["log_ratio"].to_numpy()
    scores = np.bincount(rows, weights=ratios[buckets], minlength=len(documents))
    return np.where(words >= max(params.min_words, 1), scores, np.nan)


def hashed(texts: pa.LargeStringArray, n: int, buckets: int) -> tuple[Int, Int, Int]:
    """Buckets of all n-grams of 1 … n words int64[m], the row of each int64[m], words of each text int64[rows].

    sha256 is called once a different n-gram, not once each.
    """
    words = pl.Series(texts).str.to_lowercase().str.extract_all(WORD)
    sizes = words.list.len().cast(pl.Int64).to_numpy()
    coded = words.explode(empty_as_null=False).to_arrow().cast(pa.large_string()).dictionary_encode()
    codes = np.asarray(coded.indices, dtype=np.int64)
    names: list[str] = coded.dictionary.to_pylist()
    rows = np.repeat(np.arange(len(sizes)), sizes)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(codes))  # words from here to the end of the text
    found = [np.array([bucket(name, buckets) for name in names], dtype=np.int64)[codes]]
    where = [rows]
    grams, texts_of = codes, names
    for length in range(2, n + 1):
        here = np.flatnonzero(left >= length)
        pairs = grams[here] * len(names) + codes[here + length - 1]
        distinct, which = np.unique(pairs, return_inverse=True)
        texts_of = [f"{texts_of[p // len(names)]} {names[p % len(names)]}" for p in distinct.tolist()]
        found.append(np.array([bucket(text, buckets) for text in texts_of], dtype=np.int64)[which])
        where.append(rows[here])
        grams = np.full(len(codes), -1, dtype=np.int64)
        grams[here] = which
    return np.concatenate(found), np.concatenate(where), sizes


def bucket(gram: str, buckets: int) -> int:
    """int(sha256 of the UTF-8 bytes) mod buckets."""
    return int.from_bytes(hashlib.sha256(gram.encode()).digest(), "big") % buckets
