"""Labels by a regular expression over a field. RE2: linear in the text, whatever the pattern and the text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.methods.groupers.column import blank_to_null, labels_of
from schemas.groupers import DOCUMENT_FIELDS, Regex


def regex(documents: pa.Table, params: Regex) -> pa.Array:
    """``params.label`` where the pattern is found, or what its group ``label`` holds: string[n].

    The first match in the field's first ``max_chars`` characters counts; ``otherwise`` (or null) where there is none.
    """
    field = (
        documents[params.field].combine_chunks()
        if params.field in DOCUMENT_FIELDS
        else labels_of(documents, params.field)
    )
    if params.max_chars is not None:
        field = pc.utf8_slice_codeunits(field, 0, params.max_chars)
    if params.label is not None:
        found = pc.fill_null(pc.match_substring_regex(field, params.pattern), False)
        labels = pc.if_else(found, pa.scalar(params.label, pa.string()), pa.scalar(None, pa.string()))
    else:
        labels = blank_to_null(pc.struct_field(pc.extract_regex(field, params.pattern), "label"))
    return labels if params.otherwise is None else pc.fill_null(labels, params.otherwise)
