"""Labels by a fastText classifier (Joulin et al. 2016)."""

from __future__ import annotations

import pyarrow as pa

from curation.arrays.arrow_text import as_text
from curation.cleaning.fasttext.model import predict
from schemas.groupers import FastText


def fasttext(documents: pa.Table, params: FastText, *, place: str) -> pa.Array:
    """The top label of each text, without ``__label__``; null below the least score. Raises RecipeError at ``place``."""
    labels, scores = predict(as_text(documents["text"]), params.model, place=f"{place}.model")
    kept = [label if label and score >= params.min_score else None for label, score in zip(labels, scores, strict=True)]
    return pa.array(kept, pa.string())
