"""fastText models (Joulin et al. 2016): loaded once a process, top label and its probability of whole texts."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.errors import RecipeError


@lru_cache(maxsize=4)
def _load(path: str) -> Any:
    import fasttext

    fasttext.FastText.eprint = lambda *_: None
    return fasttext.load_model(path)


def predict(texts: pa.LargeStringArray, path: str, *, place: str) -> tuple[list[str | None], list[float]]:
    """Top label without ``__label__`` and probability of each text, line ends as spaces; None, 0.0 where there is none.

    Raises RecipeError at ``place`` for a file that is no model.
    """
    if not Path(path).is_file():
        raise RecipeError(place, f"{path!r} is no file")
    try:
        model = _load(path)
    except ValueError as error:
        raise RecipeError(place, f"{path!r} is no fastText model: {error}") from None
    lines = [text.replace("\n", " ") for text in texts.to_pylist()]
    labels, scores = model.predict(lines) if lines else ([], [])
    names = [label[0].removeprefix("__label__") if label else None for label in labels]
    # fastText's probabilities may exceed 1 by rounding.
    return names, [min(float(score[0]), 1.0) if len(score) else 0.0 for score in scores]
