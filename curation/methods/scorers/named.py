"""A tag or built-in name of a batch of documents as numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.number import as_floats
from curation.methods.scorers.tokens import lengths
from schemas.errors import RecipeError


def named_numbers(documents: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """The column of that name as float64[n], NaN where there is no number. Raises RecipeError where there is none."""
    if name == "tokens" and name not in documents.column_names:
        return lengths(documents["text"], "tokens")
    if name not in documents.column_names:
        raise RecipeError("tags", f"no tag or built-in name {name!r} is declared before it is used")
    return as_floats(documents[name])
