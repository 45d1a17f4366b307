"""Token rows of documents to packed sequences of one length, in order, with document spans and a loss mask.

Source: MeCo (Gao et al. 2025), ``mds_pack_data.py``; its packer's class is not in the repository, two ways are from its
comments. *complete*: a sequence starts with a document's beginning, what overflows of its last document is thrown
away (about a third of the tokens where documents are as long as sequences). *concat* (there ``keep_remainder``): the
rest of the document opens the next sequence, and nothing is lost. *best_fit* (Ding et al. 2024): documents longer than
a sequence are cut into full ones and a rest; rests and short documents, the longest first, each go where the least room
is left. A sequence without any token that is trained on would give NaN: as in MeCo's loader, its last ten tokens then
are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.columns import in_lists, lists
from curation.training.placing import best_fit, copy_runs, next_fit, place
from curation.training.tokens import Tokens
from schemas.shards import Method
from schemas.tables import PACKED

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]
UNMASKED_AT_LEAST = 10
SPAN = PACKED.field("doc_spans").type.value_type


@dataclass(frozen=True)
class Packed:
    """Sequences, in order: input_ids int32[rows, length], loss_mask uint8[rows, length], and their documents.

    doc_ids: one a span; spans int32[m, 2] half-open in the row; offsets int32[m]: of its document's tokens (with begin and end) how
    many come before it; counts int64[rows]: spans of each row; weights float32[rows,
    length], 0 where the mask is, where tokens have them; beside: the tokens' further columns, [rows * length] or [rows *
    length, k], 0 where no document's token stands.
    """

    input_ids: Int32
    loss_mask: Mask
    doc_ids: list[str]
    spans: Int32
    offsets: Int32
    counts: Int64
    weights: Float32 | None = None
    beside: Arrays = field(default_factory=dict)

    def columns(self) -> dict[str, pa.Array]:
        """The columns input_ids, loss_mask, doc_ids, doc_spans and doc_offsets of a packed shard, then loss_weights and further
        columns where tokens have them."""
        rows, length = self.input_ids.shape
        offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * length)
        spans = pa.array(np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int32))
        pairs = pa.StructArray.from_arrays([pa.array(self.spans[:, 0]), pa.array(self.spans[:, 1])], fields=list(SPAN))
        weights = {}
        if self.weights is not None:
            weights["loss_weights"] = pa.ListArray.from_arrays(offsets, pa.array(self.weights.reshape(-1)))
        return {
            "input_ids": pa.ListArray.from_arrays(offsets, pa.array(self.input_ids.reshape(-1))),
            "loss_mask": pa.ListArray.from_arrays(offsets, pa.array(self.loss_mask.reshape(-1))),
            "doc_ids": pa.ListArray.from_arrays(spans, pa.array(self.doc_ids, pa.string())),
            "doc_spans": pa.ListArray.from_arrays(spans, pairs),
            "doc_offsets": pa.ListArray.from_arrays(spans, pa.array(self.offsets)),
            **weights,
            **{name: lists(offsets, values) for name, values in self.beside.items()},
        }


@dataclass
class Packer:
    """Packs a stream of documents; what does not fill a sequence waits for the next call (but for ``best_fit``, which
    fills up each call's sequences).

    begin, end: token ids put around each document (null: none). The first has loss where the document's first token
    has (MeCo masks it with the prefix, and trains on it without one), the last always. pad fills up, without loss.
    """

    length: int
    method: Method = "concat"
    begin: int | None = None
    end: int | None = None
    pad: int = 0
    window: int | None = None
    """Of ``best_fit``: a document moves by fewer documents; 0 keeps their order; None: those of a call."""
    min_span: int = 1
    """Of the others: tokens of a document that a sequence is opened or ended with at least."""
    _waiting: Arrays = field(default_factory=dict)
    """What is known of each token that waits: its id and mask, its weight, its further columns."""
    _sizes: Int64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _names: list[str] = field(default_factory=list)
    _begun: int = 0
    """Tokens of the first that waits that are not waiting any more."""
    dropped_tokens: int = 0
    """Tokens thrown away so far, by overflow."""
    padded: int = 0
    """Tokens filled up so far."""
    cut: int = 0
    """Documents so far that do not stand whole in one sequence."""
    _cut_before: bool = False

    @property
    def waiting_tokens(self) -> int:
        """Tokens that do not fill a sequence yet; at the end of the stream they are lost."""
        return int(self._sizes.sum())

    def add(self, tokens: Tokens, doc_ids: list[str]) -> Packed:
        """All sequences that are full with these documents: their ids and masks, one id a document."""
        arrays, sizes = self._with_borders(tokens)
        if self.method == "best_fit":
            window = len(sizes) if self.window is None else self.window
            parts = best_fit(sizes, self.length, max(window, 1)) if window else next_fit(sizes, self.length)
            self.cut += int((sizes > self.length).sum())
            return self._packed(arrays, parts, int(parts[:, 0].max(initial=-1)) + 1, doc_ids, sizes)
        if self._waiting:
            arrays = {name: np.concatenate([self._waiting[name], values]) for name, values in arrays.items()}
        sizes, names = np.concatenate([self._sizes, sizes]), [*self._names, *doc_ids]
        parts, used_documents, used_tokens = place(sizes, self.length, self.method == "complete", self.min_span)
        rows = int(parts[-1, 0]) + 1 if len(parts) else 0
        written = int((parts[:, 4] - parts[:, 3]).sum())
        made = self._packed(arrays, parts, rows, names, sizes)
        self.dropped_tokens += int(used_tokens - written)
        ends = np.cumsum(sizes)
        broken = np.unique(parts[parts[:, 2] + parts[:, 4] - parts[:, 3] < ends[parts[:, 1]], 1])
        self.cut += len(broken) - int(self._cut_before and 0 in broken)
        self._cut_before = used_documents in broken or (self._cut_before and used_documents == 0)
        self._waiting = {name: values[used_tokens:].copy() for name, values in arrays.items()}
        # A document that is cut in the middle goes on with what is left of it.
        self._sizes = sizes[used_documents:].copy()
        self._begun = 0 if used_documents else self._begun
        if len(self._sizes):
            gone = used_tokens - int(sizes[:used_documents].sum())
            self._sizes[0] -= gone
            self._begun += gone
        self._names = names[used_documents:]
        return made

    def finish(self) -> Packed | None:
        """What is waiting as a last sequence, filled up; None where nothing is."""
        sizes, arrays, names = self._sizes, self._waiting, self._names
        self._waiting, self._sizes, self._names = {}, sizes[:0], []
        there = np.flatnonzero(sizes > 0)
        if not len(there):
            return None
        ends = np.cumsum(sizes)[there]
        starts = ends - sizes[there]
        parts = np.column_stack([np.zeros_like(there), there, starts, starts, ends]).astype(np.int64)
        made = self._packed(arrays, parts, 1, names, sizes)
        self._begun = 0
        return made

    def _packed(self, arrays: Arrays, parts: Int64, rows: int, names: list[str], sizes: Int64) -> Packed:
        """The sequences of such parts (``place``), filled up behind their last part. sizes: the documents', but for the tokens of
        the first that have gone before."""
        packed: Arrays = {}
        places, lengths = parts[:, 0] * self.length + parts[:, 3], parts[:, 4] - parts[:, 3]
        for name, values in arrays.items():
            fill = self.pad if name == "input_ids" else 0
            packed[name] = np.full((rows * self.length, *values.shape[1:]), fill, dtype=values.dtype)
            copy_runs(values, parts[:, 2], packed[name], places, lengths)
        ids, mask, weights = (packed.pop(name, None) for name in ("input_ids", "loss_mask", "loss_weights"))
        assert ids is not None
        assert mask is not None
        ids, mask = ids.reshape(rows, self.length), mask.reshape(rows, self.length)
        weights = None if weights is None else weights.reshape(rows, self.length)
        filled = np.zeros(rows, dtype=np.int64)
        np.maximum.at(filled, parts[:, 0], parts[:, 4])
        for row in np.flatnonzero(mask.sum(axis=1) == 0).tolist():
            last = slice(max(int(filled[row]) - UNMASKED_AT_LEAST, 0), int(filled[row]))
            mask[row, last] = 1
            if weights is not None:
                weights[row, last] = 1
        self.padded += int(rows * self.length - filled.sum())
        offsets = parts[:, 2] - (np.cumsum(sizes) - sizes)[parts[:, 1]] + np.where(parts[:, 1] == 0, self._begun, 0)
        return Packed(
            ids,
            mask,
            [names[i] for i in parts[:, 1].tolist()],
            parts[:, 3:5].astype(np.int32),
            offsets.astype(np.int32),
            np.bincount(parts[:, 0], minlength=rows),
            weights,
            packed,
        )

    def _with_borders(self, tokens: Tokens) -> tuple[Arrays, Int64]:
        """What is known of each token, and the documents' sizes, with the begin and end tokens around them. These weigh what the
        document's first and last token does (the end 1 where that has no loss); of further columns they have 0."""
        if tokens.input_ids is None or tokens.loss_mask is None:
            raise ValueError("packing needs token ids: count_tokens with a tokenizer")
        ids = tokens.input_ids.flatten().to_numpy()
        mask = tokens.loss_mask.flatten().to_numpy()
        weights = None if tokens.loss_weights is None else tokens.loss_weights.flatten().to_numpy()
        beside = {name: in_lists(column) for name, column in tokens.columns.items()}
        sizes = tokens.counts.astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        if weights is not None and self.end is not None:
            at = np.maximum(starts + sizes - 1, 0)
            own = (sizes > 0) & (np.append(mask, 0)[at] > 0)
            weights = np.insert(weights, starts + sizes, np.where(own, np.append(weights, 0)[at], 1.0))
        if self.end is not None:
            ids = np.insert(ids, starts + sizes, self.end)
            mask = np.insert(mask, starts + sizes, 1)
            beside = {name: np.insert(values, starts + sizes, 0, axis=0) for name, values in beside.items()}
            sizes = sizes + 1
            starts = np.cumsum(sizes) - sizes
        if self.begin is not None:
            first = np.where(sizes > 0, np.append(mask, 0)[starts], 0)
            if weights is not None:
                of_first = np.where(sizes > 0, np.append(weights, 0)[starts], 0)
                weights = np.insert(weights, starts, of_first * first)
            ids, mask = np.insert(ids, starts, self.begin), np.insert(mask, starts, first)
            beside = {name: np.insert(values, starts, 0, axis=0) for name, values in beside.items()}
            sizes = sizes + 1
        arrays: Arrays = {"input_ids": ids.astype(np.int32), "loss_mask": mask.astype(np.uint8)}
        if weights is not None:
            arrays["loss_weights"] = weights.astype(np.float32)
        return arrays | beside, sizes
