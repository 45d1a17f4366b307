"""A row of tags from closed vocabularies before the text, always the same slots in the same order.

Source: Qwen-Audio (Chu et al. 2023), 3.2, ``tokenization_qwen.py``. Early tags are shared by many tasks, later ones
tell them apart. No slot is dropped and no value passes that is not in the vocabulary. Whether tags carry loss in the
paper was not found; here they do not unless asked.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Column, Formatted, side_by_side
from curation.methods.formatters.values import value_of
from schemas.errors import RecipeError
from schemas.formatters import Tags


def tags(documents: pa.Table, params: Tags, *, seed: int, phase: str) -> Formatted:
    """The tags (``metadata``), then the document as ``plain`` writes it.

    Raises RecipeError where a value is missing or not in its slot's vocabulary, naming one document by its id.
    """
    return side_by_side([Column(rows_of_tags(documents, params), "metadata", params.loss), *body(documents)])


def rows_of_tags(documents: pa.Table, params: Tags) -> pa.LargeStringArray:
    """The tags of each document: LargeString[n]. Raises RecipeError (``tags``)."""
    pieces: list[pa.Array] = []
    for number, slot in enumerate(params.slots):
        values = value_of(documents, slot.name)
        if slot.missing is not None:
            values = pc.fill_null(values, slot.missing)
        allowed = pa.array(
            dict.fromkeys([*slot.vocabulary, *([slot.missing] if slot.missing else [])]), pa.large_string()
        )
        wrong = np.flatnonzero(~np.asarray(pc.is_in(values, value_set=allowed)))
        if len(wrong):
            missing = values.null_count
            what = f"{missing} documents have no value" if missing else f"{len(wrong)} documents have another value"
            raise RecipeError(
                f"conditioning.slots[{number}]",
                f"{what} of {slot.name!r}, e.g. {documents['id'][int(wrong[0])].as_py()}; add it to the vocabulary, "
                "set `missing`, or filter the pool",
            )
        shown = pa.array([f"{params.opening}{v}{params.closing}" for v in allowed.to_pylist()], pa.large_string())
        pieces.append(shown.take(pc.index_in(values, value_set=allowed)))
    end = pa.scalar(params.end, pa.large_string())
    empty = pa.scalar("", pa.large_string())
    return as_text(pc.binary_join_element_wise(*pieces, end, empty))
