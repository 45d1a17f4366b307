"""Quality by a fastText classifier: the probability of one label (as in GPT-3, DCLM, FineWeb-Edu's fast variants)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.cleaning.fasttext.model import probabilities
from schemas.cleaning import Classifier

PLACE = "clean.classifier"
REASON = "low_score"


def score(texts: pa.LargeStringArray, params: Classifier) -> npt.NDArray[np.float32]:
    """The label's probability for each text: float32[n], 0 to 1. Raises RecipeError for a model without the label."""
    return probabilities(texts, params.model, params.label, place=PLACE)
