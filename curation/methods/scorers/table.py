"""Scores from a side table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.number import as_floats
from curation.methods.side_table import look_up
from schemas.errors import RecipeError
from schemas.scorers import Table


def table(documents: pa.Table, params: Table, *, place: str) -> npt.NDArray[np.float64]:
    """The side table's number for each document: float64[n], NaN where it has none.

    Raises RecipeError (``look_up``), and where the column holds something else than numbers.
    """
    if params.path is None:  # the first round, of which nothing is told
        return np.full(len(documents), np.nan)
    values = look_up(documents, params.path, params.column, params.id_column, place=place)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_null(values.type)):
        raise RecipeError(
            f"{place}.column",
            f"column {params.column!r} of {params.path} holds {values.type}, not numbers; for labels: label_table",
        )
    return as_floats(values)
