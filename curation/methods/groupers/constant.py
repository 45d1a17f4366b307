"""The same label for every document."""

from __future__ import annotations

import pyarrow as pa

from schemas.groupers import Constant


def constant(documents: pa.Table, params: Constant) -> pa.Array:
    """``params.value`` for each document: string[n]."""
    return pa.repeat(pa.scalar(params.value, pa.string()), len(documents))
