"""The places where a document holds text: its text, its prompt, its URL, and each input column of texts or of lists of texts; of a
record that is made of turns, these and what else it is written from, in place of the text that is made of them.

What can be written is cleaned: formatters write text, prompt, and tags and names that come from these columns, and every
tag and the URL is a column of the shards. So normalisers, the Unicode form and personal data are looked after in all of
them, whatever the recipe's formatters are. Edits and drops of another place than the text bear its name,
``emails:prompt``, ``emails:thoughts``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.arrays.columns import whole

COLUMN = "column:"
RECORD_PLACES = ("turns", "calls", "ground_truth", "verifier")
Int = npt.NDArray[np.int64]


def columns_in(schema: pa.Schema) -> list[str]:
    """The columns of a table of documents that are such places, the text first."""
    extra = [field.name for field in schema if field.name.startswith(COLUMN) and _holds_text(field.type)]
    first = [name for name in RECORD_PLACES if name in schema.names] or ["text", "prompt"]
    return [*(name for name in (*first, "url") if name == "text" or name in schema.names), *extra]


def columns_of(documents: pa.Table) -> list[str]:
    """Those of them in which a document has anything."""
    return [name for name in columns_in(documents.schema) if documents[name].null_count < len(documents)]


def _holds_text(kind: pa.DataType) -> bool:
    held = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held))


def named(column: str) -> str:
    """A place's name: an input column's is its own.

    >>> named("prompt"), named("column:meta.thoughts")
    ('prompt', 'meta.thoughts')
    """
    return column.removeprefix(COLUMN)


def rule_in(rule: str, column: str) -> str:
    """A rule's name where it acts in that place.

    >>> rule_in("emails", "text"), rule_in("emails", "column:steps")
    ('emails', 'emails:steps')
    """
    return rule if column == "text" else f"{rule}:{named(column)}"


@dataclass(frozen=True)
class Held:
    """What a column holds: texts large_string[m], and the document of each int64[m]; of ``n`` documents."""

    column: pa.Array
    texts: pa.LargeStringArray
    rows: Int

    def sums(self, counts: Int) -> Int:
        """Numbers a text as numbers a document: int64[n]."""
        return np.bincount(self.rows, weights=counts, minlength=len(self.column)).astype(np.int64)

    def edits(self, places: dict[str, Int]) -> dict[str, tuple[int, int]]:
        """(documents, places) of each rule that changed any, from its places in each text."""
        sums = {rule: self.sums(found) for rule, found in places.items()}
        return {rule: (int((n > 0).sum()), int(n.sum())) for rule, n in sums.items() if n.any()}

    def replaced(self, texts: pa.LargeStringArray) -> pa.Array:
        """The column with other texts; what is null stays null."""
        kind = self.column.type
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            there = pc.is_valid(self.column.flatten())
            values = pc.if_else(there, texts, None).cast(kind.value_type)
            sizes = np.asarray(pc.fill_null(pc.list_value_length(self.column), 0), dtype=np.int64)
            offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
            lists = pa.ListArray.from_arrays(offsets, values, mask=pc.is_null(self.column))
            return lists.cast(kind)
        return pc.if_else(pc.is_valid(self.column), texts, None).cast(kind)


def held(column: pa.Array | pa.ChunkedArray) -> Held:
    """The texts of a column of texts or of lists of texts; what is null is an empty text."""
    one = whole(column)
    if pa.types.is_list(one.type) or pa.types.is_large_list(one.type):
        return Held(one, as_text(one.flatten()), np.asarray(pc.list_parent_indices(one), dtype=np.int64))
    return Held(one, as_text(one), np.arange(len(one)))
