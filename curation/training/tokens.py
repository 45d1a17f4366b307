"""Token counts and token ids of formatted texts: a tokenizer's, segment by segment, or UTF-8 bytes / 4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.arrays.arrow_text import buffers
from schemas.errors import RecipeError
from schemas.shards import Packing, Special

BYTES_PER_TOKEN = 4
_BATCH_CHARS = 4_000_000
"""Text that goes through the tokenizer at once: bounds the memory of its Python objects."""


@dataclass(frozen=True)
class Tokens:
    """counts int32[n]; with a tokenizer also input_ids list<int32>[n] and loss_mask list<uint8>[n]."""

    counts: npt.NDArray[np.int32]
    input_ids: pa.ListArray | None = None
    loss_mask: pa.ListArray | None = None


def count_tokens(texts: pa.LargeStringArray, segments: pa.ListArray, tokenizer: str | None) -> Tokens:
    """Tokens of each row.

    tokenizer: path of a ``tokenizers`` JSON file; null counts UTF-8 bytes / 4, rounded up a row. Each segment is
    tokenised on its own, without special tokens, so that no token straddles a border (MeCo; joined text would give
    other ids); a token has loss where its segment has. Raises RecipeError for a tokenizer that cannot be read.
    """
    if tokenizer is None:
        sizes = np.asarray(pc.binary_length(texts), dtype=np.int64)
        return Tokens((-(-sizes // BYTES_PER_TOKEN)).astype(np.int32))
    encoder = load_tokenizer(tokenizer)
    pieces, rows, loss = _pieces(texts, segments)
    ids: list[npt.NDArray[np.int32]] = []
    lengths = np.zeros(len(pieces), dtype=np.int64)
    for start, stop in _batches(pieces):
        encoded = encoder.encode_batch_fast(pieces[start:stop].to_pylist(), add_special_tokens=False)
        for i, encoding in enumerate(encoded, start):  # the tokenizer's own objects: one a segment
            made = np.asarray(encoding.ids, dtype=np.int32)
            ids.append(made)
            lengths[i] = len(made)
    counts = np.bincount(rows, weights=lengths, minlength=len(texts)).astype(np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    flat = np.concatenate(ids) if ids else np.zeros(0, dtype=np.int32)
    mask = np.repeat(loss, lengths).astype(np.uint8)
    return Tokens(
        counts.astype(np.int32),
        pa.ListArray.from_arrays(offsets, pa.array(flat)),
        pa.ListArray.from_arrays(offsets, pa.array(mask)),
    )


def token_counts(
    many: Sequence[tuple[pa.LargeStringArray, pa.ListArray]], tokenizer: str | None
) -> list[npt.NDArray[np.int32]]:
    """Tokens of each row of several (texts, segments), as ``count_tokens`` counts them: int32[n] each.

    A piece that stands in several of them, such as the text behind different prefixes, is tokenised once.
    """
    if tokenizer is None:
        return [count_tokens(texts, segments, None).counts for texts, segments in many]
    encoder = load_tokenizer(tokenizer)
    cut = [_pieces(texts, segments) for texts, segments in many]
    coded = pa.concat_arrays([pieces for pieces, _, _ in cut]).dictionary_encode()
    distinct = coded.dictionary
    lengths = np.zeros(len(distinct), dtype=np.int64)
    for start, stop in _batches(distinct):
        encoded = encoder.encode_batch_fast(distinct[start:stop].to_pylist(), add_special_tokens=False)
        lengths[start:stop] = [len(encoding.ids) for encoding in encoded]
    of_piece = lengths[coded.indices.to_numpy()]
    counts, start = [], 0
    for (texts, _), (pieces, rows, _) in zip(many, cut, strict=True):
        stop = start + len(pieces)
        counts.append(np.bincount(rows, weights=of_piece[start:stop], minlength=len(texts)).astype(np.int32))
        start = stop
    return counts


SPECIAL_NAMES = {
    "begin": (
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        "<|startoftext|>",
        "<|bos|>",
        "<｜begin▁of▁sentence｜>",
        "[BOS]",
        "[CLS]",
    ),
    "end": ("</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "<|eos|>", "<｜end▁of▁sentence｜>", "[EOS]", "[SEP]"),
    "pad": ("<pad>", "<|pad|>", "<|padding|>", "<|finetune_right_pad_id|>", "<｜▁pad▁｜>", "[PAD]"),
}
"""What widely used tokenizers call these tokens. A tokenizers file does not say which is which, but where its
post-processor writes them or its padding names one."""


def special_ids(tokenizer: str, packing: Packing) -> dict[Literal["begin", "end", "pad"], int | None]:
    """The ids of the begin, end and pad token. Raises RecipeError for one that the tokenizer does not have."""
    encoder = load_tokenizer(tokenizer)
    asked: dict[Literal["begin", "end", "pad"], Special | None] = {
        "begin": packing.begin,
        "end": packing.end,
        "pad": packing.pad,
    }
    return {role: _special(encoder, role, wanted, tokenizer) for role, wanted in asked.items()}


def _special(encoder: Any, role: str, wanted: Special | None, path: str) -> int | None:
    place = f"shards.packing.{role}"
    if wanted is None:
        return None
    if wanted == "auto":
        found = _own(encoder, role, storage.read_bytes(path))
        if found is None:
            raise RecipeError(place, f"{path} has no {role} token of its own; write a token or an id, or null for none")
        return found
    if isinstance(wanted, int):
        if encoder.id_to_token(wanted) is None:
            raise RecipeError(place, f"{path} has no token {wanted}; its ids end at {encoder.get_vocab_size() - 1}")
        return wanted
    found = encoder.token_to_id(wanted)
    if found is None:
        raise RecipeError(place, f"{path} has no token {wanted!r}; write one that it has, its id, or null for none")
    return int(found)


def _own(encoder: Any, role: str, data: bytes) -> int | None:
    """What the tokenizer's own post-processor or padding says, else the first special token of a usual name."""
    if role == "pad":
        padding = json.loads(data).get("padding")
        if padding is not None:
            return int(padding["pad_id"])
    else:
        around = encoder.post_process(encoder.encode("a", add_special_tokens=False))
        at = 0 if role == "begin" else -1
        if around.ids and around.special_tokens_mask[at]:
            return int(around.ids[at])
    special = {token.content: number for number, token in encoder.get_added_tokens_decoder().items() if token.special}
    return next((special[name] for name in SPECIAL_NAMES[role] if name in special), None)


def load_tokenizer(path: str) -> Any:
    """The tokenizer of a JSON file; read once for the same bytes. Raises RecipeError."""
    try:
        data = storage.read_bytes(path)
    except OSError as error:
        raise RecipeError("shards.tokenizer", f"{path} cannot be read: {type(error).__name__}") from None
    return _tokenizer(path, data)


@lru_cache(maxsize=2)
def _tokenizer(path: str, data: bytes) -> Any:
    try:
        import tokenizers
    except ImportError:
        raise RecipeError("shards.tokenizer", "needs the package tokenizers: pip install 'syllabus[train]'") from None
    try:
        tokenizer = tokenizers.Tokenizer.from_str(data.decode("utf-8"))
    except Exception as error:  # the library raises bare Exception
        raise RecipeError("shards.tokenizer", f"{path} is no tokenizers JSON file: {type(error).__name__}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _pieces(
    texts: pa.LargeStringArray, segments: pa.ListArray
) -> tuple[pa.LargeStringArray, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The text of each segment, the row it stands in, and whether it has loss. Segments cover the texts in order, so
    that their ends in code points, summed up, cut one long buffer."""
    structs = segments.flatten()
    lengths = np.asarray(structs.field("end"), dtype=np.int64) - np.asarray(structs.field("start"), dtype=np.int64)
    rows = np.repeat(np.arange(len(texts)), np.asarray(pc.list_value_length(segments), dtype=np.int64))
    loss = np.asarray(structs.field("loss"))
    data, offsets = buffers(texts)
    data = data[int(offsets[0]) : int(offsets[-1])]
    points = np.flatnonzero((data & 0xC0) != 0x80)  # the first byte of each code point
    ends = np.concatenate([[0], np.cumsum(lengths)])
    if ends[-1] != len(points):
        raise ValueError("segments do not cover the texts")
    cuts = np.concatenate([points, [len(data)]])[ends]
    pieces = pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(cuts.astype(np.int64)), pa.py_buffer(data))
    return pieces, rows, loss


def _batches(pieces: pa.LargeStringArray) -> list[tuple[int, int]]:
    _, offsets = buffers(pieces)
    cuts, start = [], 0
    while start < len(pieces):
        stop = int(np.searchsorted(offsets, offsets[start] + _BATCH_CHARS, side="right")) - 1
        stop = min(max(stop, start + 1), len(pieces))
        cuts.append((start, stop))
        start = stop
    return cuts
