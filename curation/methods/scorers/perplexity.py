"""Perplexity under a KenLM model (Heafield 2011), as CCNet takes it: 10^(-log10 likelihood / (words + lines)).

A line is scored by itself, its end counted as a word; blank lines count for nothing. The text is split at white space:
a model that was trained on pieces of words wants them made before.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.arrow_text import as_text
from schemas.errors import RecipeError
from schemas.scorers import Perplexity


def perplexity(documents: pa.Table, params: Perplexity, *, place: str = "tags") -> npt.NDArray[np.float64]:
    """The perplexity of each document: float64[n]; NaN without a word, and past what a number can hold.

    Raises RecipeError at ``place`` where the package kenlm is missing or the file is no model.
    """
    if not Path(params.model).is_file():
        raise RecipeError(f"{place}.model", f"{params.model!r} is no file")
    model = _load(params.model, place)
    return np.array([_of_text(text, model, params.lower) for text in as_text(documents["text"]).to_pylist()])


def _of_text(text: str, model: Any, lower: bool) -> float:
    log, length = 0.0, 0
    for line in (text.lower() if lower else text).split("\n"):
        words = line.split()
        if words:
            log += model.score(" ".join(words))
            length += len(words) + 1
    with np.errstate(over="ignore"):
        score = np.float64(10.0) ** (-log / length) if length else np.nan
    return float(score) if np.isfinite(score) else float("nan")


@lru_cache(maxsize=2)
def _load(path: str, place: str) -> Any:
    try:
        import kenlm
    except ImportError:
        raise RecipeError(place, "perplexity needs the package kenlm: run `pip install 'syllabus[kenlm]'`") from None
    try:
        config = kenlm.Config()
        config.show_progress, config.arpa_complain = False, kenlm.ARPALoadComplain.NONE
        return kenlm.Model(path, config)
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        # What it says, it may say in the file's own bytes.
        said = "" if isinstance(error, UnicodeDecodeError) else f": {error}"
        raise RecipeError(f"{place}.model", f"{path!r} is no KenLM model{said}") from None
