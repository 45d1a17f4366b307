"""Perplexity under a KenLM model (Heafield 2011), as CCNet takes it: 10^(-log10 likelihood / (words + lines)).

A line is scored by itself, its end counted as a word; blank lines count for nothing. The text is split at white space:
a model that was trained on pieces of words wants them made before.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.arrow_text import as_text
from curation.methods.kenlm_reader import KenLM
from schemas.errors import RecipeError
from schemas.scorers import Perplexity

AT_ONCE = 64
"""Documents that go to the reader together."""


def perplexity(documents: pa.Table, params: Perplexity, *, place: str = "tags") -> npt.NDArray[np.float64]:
    """The perplexity of each document: float64[n]; NaN without a word, and past what a number can hold.

    Raises RecipeError at ``place`` where the package kenlm is missing, the file is no model, or reading it ends its reader.
    """
    if not Path(params.model).is_file():
        raise RecipeError(f"{place}.model", f"{params.model!r} is no file")
    if importlib.util.find_spec("kenlm") is None:
        raise RecipeError(place, "perplexity needs the package kenlm: run `pip install 'syllabus[kenlm]'`")
    try:
        model = _load(params.model)
        column = as_text(documents["text"])
        parts = (column.slice(at, AT_ONCE).to_pylist() for at in range(0, len(column), AT_ONCE))
        return np.array([one for texts in parts for one in _of_texts(texts, model, params.lower)], np.float64)
    except ValueError as error:
        raise RecipeError(f"{place}.model", f"{params.model!r} is no KenLM model: {error}") from None


def _of_texts(texts: list[str], model: KenLM, lower: bool) -> list[float]:
    lines = [
        [words for line in (text.lower() if lower else text).split("\n") if (words := line.split())] for text in texts
    ]
    scores = iter(model.scores([" ".join(words) for of_text in lines for words in of_text]))
    return [_perplexity(sum(next(scores) for _ in of_text), of_text) for of_text in lines]


def _perplexity(log: float, lines: list[list[str]]) -> float:
    if not lines:
        return float("nan")
    with np.errstate(over="ignore"):
        score = np.float64(10.0) ** (-log / sum(len(words) + 1 for words in lines))
    return float(score) if np.isfinite(score) else float("nan")


@lru_cache(maxsize=2)
def _load(path: str) -> KenLM:
    return KenLM(path)
