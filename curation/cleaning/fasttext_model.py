"""fastText models (Joulin et al. 2016): loaded once a process, top label and its probability of whole texts."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import RecipeError


@lru_cache(maxsize=4)
def _load(path: str) -> Any:
    import fasttext

    fasttext.FastText.eprint = lambda *_: None
    return fasttext.load_model(path)


def _model(path: str, place: str) -> Any:
    if not Path(path).is_file():
        raise RecipeError(place, f"{path!r} is no file")
    try:
        return _load(path)
    except ValueError as error:
        raise RecipeError(place, f"{path!r} is no fastText model: {error}") from None


def predict(texts: pa.LargeStringArray, path: str, *, place: str) -> tuple[list[str | None], list[float]]:
    """Top label without ``__label__`` and probability of each text, line ends as spaces; None, 0.0 where there is none.

    Raises RecipeError at ``place`` for a file that is no model.
    """
    model = _model(path, place)
    lines = [text.replace("\n", " ") for text in texts.to_pylist()]
    labels, scores = model.predict(lines) if lines else ([], [])
    names = [label[0].removeprefix("__label__") if label else None for label in labels]
    # fastText's probabilities may exceed 1 by rounding.
    return names, [min(float(score[0]), 1.0) if len(score) else 0.0 for score in scores]


def probabilities(texts: pa.LargeStringArray, path: str, label: str, *, place: str) -> npt.NDArray[np.float32]:
    """Probability of one label for each text, line ends as spaces: float32[n].

    Raises RecipeError at ``place`` for a file that is no model, or a model without the label.
    """
    model = _model(path, f"{place}.model")
    wanted = f"__label__{label}"
    if wanted not in model.get_labels():
        known = ", ".join(sorted(name.removeprefix("__label__") for name in model.get_labels())[:20])
        raise RecipeError(f"{place}.label", f"the model has no label {label!r}; it has {known}")
    # One by one: predict of a list repeats the first label's probability for all labels (fasttext-wheel 0.9.2).
    predict_one = model.f.predict
    result = np.zeros(len(texts), dtype=np.float32)
    for i, text in enumerate(texts.to_pylist()):
        found = predict_one(text.replace("\n", " ") + "\n", -1, 0.0, "strict")
        result[i] = min(next((value for value, name in found if name == wanted), 0.0), 1.0)
    return result
