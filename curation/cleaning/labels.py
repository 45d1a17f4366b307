"""Labels that come from elsewhere than the columns *prepare* cleans: the recipe's constants, side tables, documents' names.

They are columns of the shards and stand in templates, so they are normalised and masked as any other text; a kind of
personal data that drops documents is masked here, and a label that holds a benchmark item is blanked, for the labels are
made when it is settled which documents stay.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.cleaning import normalisers, pii, unicode
from schemas import groupers as models
from schemas.recipe import Clean

Edits = dict[tuple[str, str], npt.NDArray[np.int64]]


def from_elsewhere(tag: object) -> bool:
    """Whether a tag's labels are none of what *prepare* has cleaned."""
    return isinstance(tag, models.Constant | models.LabelTable) or (
        isinstance(tag, models.Regex) and tag.field == "name"
    )


def cleaned(labels: pa.Array, clean: Clean, holds_item: Callable[[str], bool] | None) -> tuple[pa.Array, Edits]:
    """The labels cleaned, string[n], null where they are null, and by (stage, rule) the places in each: int64[n].

    One look at each different label. holds_item: whether a text holds a benchmark item; None: nothing is decontaminated.
    """
    if not pa.types.is_string(labels.type) or labels.null_count == len(labels):
        return labels, {}
    coded = labels.dictionary_encode()
    rewritten, found = normalisers.apply(as_text(coded.dictionary), clean.normalisers)
    edits = {("read", rule): places for rule, places in found.items()}
    masked = pii.mask(unicode.normalise(rewritten, clean.unicode), pii.all_masked(clean.pii))
    edits |= {("pii", rule): places for rule, places in masked.places.items()}
    texts = masked.texts.cast(pa.string())
    if holds_item is not None:
        held = np.array([text is not None and holds_item(text) for text in texts.to_pylist()], dtype=bool)
        if held.any():
            texts = pc.if_else(pa.array(held), pa.scalar(None, pa.string()), texts)
            edits["decontaminate", "label"] = held.astype(np.int64)
    code = np.asarray(coded.indices.fill_null(-1))
    said = {key: np.where(code >= 0, places[code], 0) for key, places in edits.items()}
    return texts.take(coded.indices), said
