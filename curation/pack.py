"""Token rows of documents to packed sequences of one length, in order, with document spans and a loss mask.

Source: MeCo (Gao et al. 2025), ``mds_pack_data.py``; its packer's class is not in the repository, the two ways are from
its comments. *complete*: a sequence starts with a document's beginning, what overflows of its last document is thrown
away (about a third of the tokens where documents are as long as sequences). *keep_remainder*: the rest of the
document opens the next sequence, and nothing is lost but the end of the stream. A sequence without any token that is
trained on would give NaN: as in MeCo's loader, its last ten tokens then are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.tokens import Tokens
from schemas.tables import PACKED

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.uint8]
UNMASKED_AT_LEAST = 10
SPAN = PACKED.field("doc_spans").type.value_type


@dataclass(frozen=True)
class Packed:
    """Sequences, in order: input_ids int32[rows, length], loss_mask uint8[rows, length], and their documents.

    doc_ids: one a span; spans int32[m, 2] half-open in the row; counts int64[rows]: spans of each row.
    """

    input_ids: Int32
    loss_mask: Mask
    doc_ids: list[str]
    spans: Int32
    counts: Int64

    def columns(self) -> dict[str, pa.Array]:
        """The columns input_ids, loss_mask, doc_ids and doc_spans of a packed shard."""
        rows, length = self.input_ids.shape
        offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * length)
        spans = pa.array(np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int32))
        pairs = pa.StructArray.from_arrays([pa.array(self.spans[:, 0]), pa.array(self.spans[:, 1])], fields=list(SPAN))
        return {
            "input_ids": pa.ListArray.from_arrays(offsets, pa.array(self.input_ids.reshape(-1))),
            "loss_mask": pa.ListArray.from_arrays(offsets, pa.array(self.loss_mask.reshape(-1))),
            "doc_ids": pa.ListArray.from_arrays(spans, pa.array(self.doc_ids, pa.string())),
            "doc_spans": pa.ListArray.from_arrays(spans, pairs),
        }


@dataclass
class Packer:
    """Packs a stream of documents; what does not fill a sequence waits for the next call.

    begin, end: token ids put around each document (null: none). The first has loss where the document's first token
    has (MeCo masks it with the prefix, and trains on it without one), the last always.
    """

    length: int
    mode: Literal["complete", "keep_remainder"] = "complete"
    begin: int | None = None
    end: int | None = None
    _ids: Int32 = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    _mask: Mask = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    _sizes: Int64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _names: list[str] = field(default_factory=list)
    dropped_tokens: int = 0
    """Tokens thrown away so far, by overflow."""

    @property
    def waiting_tokens(self) -> int:
        """Tokens that do not fill a sequence yet; at the end of the stream they are lost."""
        return int(self._sizes.sum())

    def add(self, tokens: Tokens, doc_ids: list[str]) -> Packed:
        """All sequences that are full with these documents: their ids and masks, one id a document."""
        ids, mask, sizes = self._with_borders(tokens)
        ids, mask = np.concatenate([self._ids, ids]), np.concatenate([self._mask, mask])
        sizes, names = np.concatenate([self._sizes, sizes]), [*self._names, *doc_ids]
        parts, used_documents, used_tokens = place(sizes, self.length, self.mode == "complete")
        rows = int(parts[-1, 0]) + 1 if len(parts) else 0
        packed_ids = np.zeros((rows, self.length), dtype=np.int32)
        packed_mask = np.zeros((rows, self.length), dtype=np.uint8)
        _copy(ids, packed_ids.reshape(-1), parts, self.length)
        _copy(mask, packed_mask.reshape(-1), parts, self.length)
        silent = packed_mask.sum(axis=1) == 0
        packed_mask[silent, max(self.length - UNMASKED_AT_LEAST, 0) :] = 1
        self.dropped_tokens += int(used_tokens - rows * self.length)
        self._ids, self._mask = ids[used_tokens:].copy(), mask[used_tokens:].copy()
        # A document that is cut in the middle goes on with what is left of it.
        self._sizes = sizes[used_documents:].copy()
        if len(self._sizes):
            self._sizes[0] -= used_tokens - int(sizes[:used_documents].sum())
        self._names = names[used_documents:]
        return Packed(
            packed_ids,
            packed_mask,
            [names[i] for i in parts[:, 1].tolist()],
            parts[:, 3:5].astype(np.int32),
            np.bincount(parts[:, 0], minlength=rows),
        )

    def finish(self, pad: int = 0) -> Packed:
        """What is waiting as a last sequence, filled up with ``pad`` without loss: one row, or none."""
        sizes = self._sizes
        ids = np.full((int(len(self._ids) > 0), self.length), pad, dtype=np.int32)
        mask = np.zeros_like(ids, dtype=np.uint8)
        ids[:, : len(self._ids)], mask[:, : len(self._mask)] = self._ids, self._mask
        if len(self._ids) and not self._mask.any():
            mask[:, max(len(self._mask) - UNMASKED_AT_LEAST, 0) : len(self._mask)] = 1
        ends = np.cumsum(sizes)
        there = sizes > 0
        spans = np.column_stack([ends - sizes, ends])[there].astype(np.int32)
        names = [name for name, has in zip(self._names, there.tolist(), strict=True) if has]
        self._ids, self._mask, self._sizes, self._names = self._ids[:0], self._mask[:0], sizes[:0], []
        return Packed(ids, mask, names, spans, np.full(len(ids), len(spans), dtype=np.int64))

    def _with_borders(self, tokens: Tokens) -> tuple[Int32, Mask, Int64]:
        """Ids, mask and sizes of the documents with the begin and end tokens around them."""
        if tokens.input_ids is None or tokens.loss_mask is None:
            raise ValueError("packing needs token ids: count_tokens with a tokenizer")
        ids = tokens.input_ids.flatten().to_numpy()
        mask = tokens.loss_mask.flatten().to_numpy()
        sizes = tokens.counts.astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        if self.end is not None:
            ids = np.insert(ids, starts + sizes, self.end)
            mask = np.insert(mask, starts + sizes, 1)
            sizes = sizes + 1
            starts = np.cumsum(sizes) - sizes
        if self.begin is not None:
            first = np.where(sizes > 0, np.append(mask, 0)[starts], 0)
            ids, mask = np.insert(ids, starts, self.begin), np.insert(mask, starts, first)
            sizes = sizes + 1
        return ids.astype(np.int32), mask.astype(np.uint8), sizes


@numba.njit(nogil=True, cache=True)
def place(sizes: Int64, length: int, complete: bool) -> tuple[Int64, int, int]:
    """Where the documents' tokens go.

    Returns parts int64[m, 5]: (row, document, first token in the stream, start in the row, end in the row) of each
    span of a full row; documents that are used up; tokens that are used up, thrown away ones among them. An empty
    document has no span.
    """
    parts = np.zeros((len(sizes) + sizes.sum() // length + 1, 5), dtype=np.int64)
    count, row, filled = 0, 0, 0
    full_count, full_documents, full_tokens = 0, 0, 0
    stream = 0
    for document in range(len(sizes)):
        done = 0
        while done < sizes[document]:
            taken = min(sizes[document] - done, length - filled)
            parts[count, 0] = row
            parts[count, 1] = document
            parts[count, 2] = stream + done
            parts[count, 3] = filled
            parts[count, 4] = filled + taken
            count += 1
            filled += taken
            done += taken
            if filled == length:
                row, filled = row + 1, 0
                if complete:
                    done = sizes[document]
                full_count = count
                full_tokens = stream + done
                full_documents = document + 1 if done == sizes[document] else document
        stream += sizes[document]
    return parts[:full_count], full_documents, full_tokens


@numba.njit(nogil=True, cache=True)
def _copy(source, target, parts, length):  # type: ignore[no-untyped-def]
    """Copy each part's tokens to its place in its row."""
    for i in range(len(parts)):
        to = parts[i, 0] * length + parts[i, 3]
        size = parts[i, 4] - parts[i, 3]
        target[to : to + size] = source[parts[i, 2] : parts[i, 2] + size]
