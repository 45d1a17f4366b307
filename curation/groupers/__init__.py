"""Groupers: document to label. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from curation.groupers.column import column
from curation.groupers.constant import constant
from curation.groupers.label_table import label_table
from curation.groupers.url import url
from schemas import groupers as models

FUNCTIONS: dict[type, Callable[..., pa.Array]] = {
    models.Column: column,
    models.Constant: constant,
    models.LabelTable: label_table,
    models.Url: url,
}
"""(documents, params) to string[n], or list<string>[n] where a document may have several labels; null is no label."""


def group(documents: pa.Table, params: models.Grouper, *, place: str = "tags") -> pa.Array:
    """The labels of a batch of documents: string[n] or list<string>[n]. Raises RecipeError at ``place``."""
    function = FUNCTIONS[type(params)]
    extra: dict[str, Any] = {"place": place} if "place" in inspect.signature(function).parameters else {}
    return function(documents, params, **extra)
