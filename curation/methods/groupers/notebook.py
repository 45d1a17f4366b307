"""The notebook of what was wrong: in from a round in which a document is wrong, out after some rounds right in a row.

Source: multimodal curriculum learning's correction notebook (MCL). The state follows from the report alone, which tells of all rounds: a
document is in where fewer than ``right`` of its rounds came after the last in which it was wrong. A round that does not tell of a
document leaves it as it was.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.methods.losses import of_documents
from curation.methods.side_table import Keys, keys_of
from schemas.groupers import Notebook

IN, REST = "notebook", "rest"
HALF = 0.5


def notebook(documents: pa.Table, params: Notebook, *, place: str) -> pa.Array:
    """``notebook`` or ``rest`` for each document: string[n]. Raises RecipeError for a file that is no report of documents."""
    if params.path is None:
        return pa.array([REST] * len(documents), pa.string())
    inside = _inside(params.path, storage.stamp(params.path), params.column, params.quantile, params.right, place)
    found = pc.is_valid(keys_of(documents, inside))
    return pa.array(np.where(found.to_numpy(zero_copy_only=False), IN, REST), pa.string())


@lru_cache(maxsize=4)
def _inside(path: str, stamp: str, column: str, quantile: float, right: int, place: str) -> Keys:
    """Ids of the documents that are in after the report's last round; ``stamp`` keeps a changed file from being taken for the old one."""
    rounds = of_documents(path, column, f"{place}.path")
    if column == "loss":
        wrong = pl.col("value") > pl.col("value").quantile(quantile, "linear").over("round")
    else:
        wrong = pl.col("value") < HALF
    told = rounds.with_columns(wrong.alias("wrong"))
    last = told.filter(pl.col("wrong")).group_by("id").agg(pl.col("round").max().alias("last"))
    since = told.join(last, on="id").filter(pl.col("round") > pl.col("last")).group_by("id").len()
    left = since.filter(pl.col("len") >= right)
    return Keys(last.join(left, on="id", how="anti").sort("id")["id"].to_arrow().cast(pa.large_string()))
