"""Values of names in templates and tags: one clean line each, without credentials, null where there is none."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.arrays.columns import whole
from curation.methods.formatters.segments import Int
from curation.methods.groupers.url import without_credentials
from curation.methods.scorers.tokens import lengths
from schemas.errors import RecipeError

HASH_BYTES = 8
OWN_NAME = "own:name"
"""The column of documents' own names, where formatters see them: a tag may be called `name`."""
_BREAKS = r"[\s\pZ\p{Cc}]+"


def value_of(documents: pa.Table, name: str, *, hashed: bool = False, seed: int = 0) -> pa.LargeStringArray:
    """What ``{name}`` is replaced by: LargeString[n], null where the document lacks it.

    Line breaks, control characters and runs of white space become one space; several labels are joined by ``, ``;
    numbers have six digits (%g). hashed: 16 hex digits of a BLAKE2b keyed by the seed instead. Raises RecipeError
    for a name that is no column.
    """
    if name == "tokens" and name not in documents.column_names:
        return _shown(pa.array(lengths(documents["text"], "tokens")))
    column = named(documents, name)
    if pa.types.is_dictionary(column.type):
        column = _shown(column.dictionary).take(column.indices)
    elif name in ("source", "language") and pa.types.is_string(column.type):  # few different ones
        coded = column.dictionary_encode()
        column = _shown(coded.dictionary).take(coded.indices)
    else:
        column = _shown(column)
    if name == "url":
        column = without_credentials(column).cast(pa.large_string())
    column = pc.if_else(pc.equal(column, ""), None, column)
    return _hashes(column, seed) if hashed else column


def texts_of(documents: pa.Table, name: str) -> tuple[pa.LargeStringArray, Int]:
    """The lists of a tag as (texts LargeString[m] in document order, how many each document has int64[n]).

    A tag with one label a document is a list of one. Empty texts are left out. Raises RecipeError for a name that is
    no column.
    """
    column = named(documents, name)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        rows = np.asarray(pc.list_parent_indices(column), dtype=np.int64)
        texts = as_text(column.flatten())
    else:
        rows, texts = np.arange(len(column)), as_text(column)
    there = np.asarray(pc.not_equal(texts, pa.scalar("", pa.large_string())))
    return as_text(texts.filter(pa.array(there))), np.bincount(rows[there], minlength=len(documents))


def named(documents: pa.Table, name: str) -> pa.Array:
    """A column of the documents. Raises RecipeError that lists the names there are."""
    if name not in documents.column_names:
        known = sorted(n for n in documents.column_names if ":" not in n and n not in ("text", "prompt", "position"))
        raise RecipeError("conditioning", f"no tag or built-in name {name!r}; there are {', '.join(known)}")
    return whole(documents[name])


def _shown(column: pa.Array) -> pa.LargeStringArray:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), ", ")
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        distinct, where = np.unique(values, return_inverse=True)
        texts = [None if np.isnan(v) else f"{v:g}" for v in distinct.tolist()]
        return pa.array(texts, pa.large_string()).take(pa.array(where))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(column.cast(pa.large_string()), _BREAKS, " "))


def _hashes(column: pa.LargeStringArray, seed: int) -> pa.LargeStringArray:
    coded = column.dictionary_encode()
    key = str(seed).encode()[:64]
    values = (v.encode() for v in coded.dictionary.to_pylist())
    hashes = [hashlib.blake2b(v, digest_size=HASH_BYTES, key=key).hexdigest() for v in values]
    return pa.array(hashes, pa.large_string()).take(coded.indices)
