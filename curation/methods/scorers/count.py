"""How many different labels a list column holds (SKILL-MIX's k)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.methods.groupers.skills import skills
from schemas.groupers import Skills
from schemas.scorers import Count


def count(documents: pa.Table, params: Count) -> npt.NDArray[np.float64]:
    """Different labels of each document: float64[n]; 0 for an empty list, NaN without one."""
    column = f"column:{params.column}"
    if column not in documents.column_names:
        return np.full(len(documents), np.nan)
    sets = skills(documents, Skills.model_validate({"from": "skills", "column": params.column}))
    counted = pc.cast(pc.fill_null(pc.list_value_length(sets), 0), pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(np.asarray(documents[column].is_valid()), counted, np.nan)
