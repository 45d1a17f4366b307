"""The combination of several attributes as one label.

Source: compositional generalisation of medical multimodal models (Med-CG: modality, anatomical area, task).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.methods.groupers.column import labels_of
from schemas.groupers import Triples


def triples(documents: pa.Table, params: Triples) -> pa.Array:
    """The attributes with the separator between: string[n], null where one of them is missing."""
    parts = [labels_of(documents, name) for name in params.columns]
    return pc.binary_join_element_wise(*parts, params.separator)
