"""Values of names in templates and tags: one clean line each, without credentials, null where there is none."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.groupers.url import without_credentials
from curation.scorers.tokens import tokens as count
from schemas.errors import RecipeError
from schemas.scorers import Tokens

HASH_BYTES = 8
_BREAKS = r"[\s\pZ\p{Cc}]+"


def value_of(documents: pa.Table, name: str, *, hashed: bool = False, seed: int = 0) -> pa.LargeStringArray:
    """What ``{name}`` is replaced by: LargeString[n], null where the document lacks it.

    Line breaks, control characters and runs of white space become one space; several labels are joined by ``, ``;
    numbers have six digits (%g). hashed: 16 hex digits of a BLAKE2b keyed by the seed instead. Raises RecipeError
    for a name that is no column.
    """
    if name == "tokens" and name not in documents.column_names:
        return _shown(pa.array(count(documents, Tokens.model_validate({"from": "tokens"}))))
    if name not in documents.column_names:
        known = sorted(n for n in documents.column_names if ":" not in n and n not in ("text", "prompt", "position"))
        raise RecipeError("conditioning", f"no tag or built-in name {name!r}; there are {', '.join(known)}")
    column = documents[name]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(column.type):
        column = pa.DictionaryArray.from_arrays(column.indices, _shown(column.dictionary))
        column = column.cast(pa.large_string())
    elif hashed or name in ("source", "language"):
        coded = column.dictionary_encode() if pa.types.is_string(column.type) else None
        column = _shown(column) if coded is None else _shown(coded.dictionary).take(coded.indices)
    else:
        column = _shown(column)
    if name == "url":
        column = without_credentials(column).cast(pa.large_string())
    column = pc.if_else(pc.equal(column, ""), None, column)
    return _hashes(column, seed) if hashed else column


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
