"""What a rule set measures in a block of documents, and how a measured value decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import Bytes, Offsets, buffers
from curation.rules import unicode_words
from curation.rules import words as whitespace_words
from curation.rules.characters import classes
from curation.rules.words import Room, Words

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """One rule of a set: it drops a document whose value stands so to the bound. No bound: it only measures."""

    name: str
    drops: Literal["<", "<=", ">", ">="]
    bound: float | None

    def fails(self, values: Floats) -> npt.NDArray[np.bool_]:
        """bool[n]: which values drop their document. NaN, nothing to measure, never does."""
        if self.bound is None:
            return np.zeros(len(values), dtype=bool)
        with np.errstate(invalid="ignore"):
            return {
                "<": values < self.bound,
                "<=": values <= self.bound,
                ">": values > self.bound,
                ">=": values >= self.bound,
            }[self.drops]


@dataclass(frozen=True)
class Measured:
    """rules: what was asked, in order; values: float64[n, rules], NaN where there is nothing to measure; for a set that
    rewrites: the texts (of a document that it drops, or that is not to be judged, as they were), and how many places each
    edit changed, int64[n]."""

    rules: list[Rule]
    values: Floats
    texts: pa.LargeStringArray | None = None
    edits: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """Some documents: their texts, which of them are still to be judged (bool[n]), and the table they stand in."""

    texts: pa.LargeStringArray
    alive: npt.NDArray[np.bool_]
    documents: pa.Table
    word_definition: str = "whitespace"
    room: Room | None = None
    """Where the words go; whoever gives it sees that one block at a time has its words there."""

    def __len__(self) -> int:
        return len(self.texts)

    def as_documents(self) -> pa.Table:
        """The table with the texts as they now are, for scorers."""
        return self.documents.set_column(self.documents.schema.get_field_index("text"), "text", [self.texts])

    @property
    def classes(self) -> npt.NDArray[np.uint16]:
        """The class of each code point: uint16[LIMIT]."""
        return classes()

    @cached_property
    def data(self) -> Bytes:
        """The bytes of all texts."""
        return buffers(self.texts)[0]

    @cached_property
    def offsets(self) -> Offsets:
        """Where each text starts: int64[n + 1]."""
        return buffers(self.texts)[1]

    @cached_property
    def words(self) -> Words:
        """The words, by the recipe's definition."""
        how = unicode_words if self.word_definition == "unicode" else whitespace_words
        return how.split(self.data, self.offsets, self.classes, self.room)

    @cached_property
    def word_counts(self) -> npt.NDArray[np.int64]:
        """int64[n]: how many words each document has."""
        if "words" in self.__dict__ or self.word_definition == "unicode":
            return np.diff(self.words.first)
        counts = np.zeros(len(self), dtype=np.int64)
        whitespace_words.count(self.data, self.offsets, self.classes, counts)
        return counts

    @cached_property
    def chars(self) -> npt.NDArray[np.int64]:
        """int64[n]: the length of each text in code points."""
        return pc.utf8_length(self.texts).to_numpy(zero_copy_only=False).astype(np.int64)

    @cached_property
    def breaks(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where the line feeds stand, int64[b], and the first one of each document, int64[n + 1]."""
        low, high = int(self.offsets[0]), int(self.offsets[-1])
        places = np.flatnonzero(self.data[low:high] == 0x0A) + low
        return places, np.searchsorted(places, self.offsets)

    def nothing(self, rules: list[Rule]) -> Floats:
        """float64[n, rules], all NaN: to be filled."""
        return np.full((len(self), len(rules)), np.nan)
