"""Token counts and token ids of formatted texts: a tokenizer's, segment by segment, or UTF-8 bytes / 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import buffers
from curation.training import encoder
from curation.training.encoder import Library, Role
from curation.training.placing import copy_runs
from schemas.errors import RecipeError
from schemas.shards import Packing, Special
from schemas.tables import TURN_KINDS

Ids = npt.NDArray[np.int32]
Int = npt.NDArray[np.int64]
BYTES_PER_TOKEN = 4
BLOCK = 256
_BATCH_CHARS = 4_000_000
"""Text that goes through the tokenizer at once: bounds the memory of its Python objects."""


@dataclass(frozen=True)
class Tokens:
    """counts int32[n], and of them those with loss, trained int32[n]; with a tokenizer also input_ids list<int32>[n] and loss_mask
    list<uint8>[n], and where weights were given loss_weights list<float32>[n], 0 where the mask is; segment_tokens int64[m]: of
    each segment, of turns that are one text all in their first. columns: further ones, a list a row (``token_columns``), which
    fit rows bool[n]."""

    counts: npt.NDArray[np.int32]
    input_ids: pa.ListArray | None = None
    loss_mask: pa.ListArray | None = None
    loss_weights: pa.ListArray | None = None
    trained: npt.NDArray[np.int32] | None = None
    segment_tokens: npt.NDArray[np.int64] | None = None
    columns: dict[str, pa.ListArray] = field(default_factory=dict)
    fits: npt.NDArray[np.bool_] | None = None

    def take(self, rows: npt.NDArray[np.int64]) -> Tokens:
        """Those of some rows, as packing needs them."""
        if len(rows) == len(self.counts):
            return self
        chosen = pa.array(rows)
        lists = (self.input_ids, self.loss_mask, self.loss_weights)
        ids, mask, weights = (None if one is None else one.take(chosen) for one in lists)
        columns = {name: one.take(chosen) for name, one in self.columns.items()}
        return Tokens(self.counts[rows], ids, mask, weights, columns=columns)


@dataclass(frozen=True)
class Known:
    """Token ids of texts that were made before: texts large_string[n], ids list<int32>[n], null where they are not known."""

    texts: pa.LargeStringArray
    ids: pa.ListArray

    @cached_property
    def sizes(self) -> Int:
        """Tokens of each text, int64[n]; -1 where they are not known."""
        return np.asarray(pc.fill_null(pc.list_value_length(self.ids), -1), dtype=np.int64)

    def take(self, rows: Int) -> Known:
        """Those of some rows."""
        return self if _is_all(rows, len(self.ids)) else Known(_some(self.texts, rows), self.ids.take(pa.array(rows)))

    def pieces(self, cut: _Pieces) -> npt.NDArray[np.bool_]:
        """Which pieces are their row's text whole, whose ids are known: bool[m]."""
        own = self.sizes[cut.rows] >= 0
        own &= ~cut.mixed & (_bytes_of(cut.pieces) == _bytes_of(self.texts)[cut.rows])
        there = np.flatnonzero(own)
        mine, theirs = (_some(one, rows) for one, rows in ((cut.pieces, there), (self.texts, cut.rows[there])))
        own[there] = np.asarray(pc.equal(mine, theirs))
        return own

    def flat(self, rows: Int) -> Ids:
        """The ids of some rows, one after the other."""
        if _is_all(rows, len(self.ids)):
            return self.ids.flatten().to_numpy()
        sizes = self.sizes[rows]
        made = np.empty(int(sizes.sum()), dtype=np.int32)
        begins = self.ids.offsets.to_numpy()[:-1].astype(np.int64)
        copy_runs(self.ids.values.to_numpy(), begins[rows], made, np.cumsum(sizes) - sizes, sizes)
        return made


def token_ids(texts: pa.LargeStringArray, tokenizer: str) -> pa.ListArray:
    """The token ids of each text on its own, without special tokens: list<int32>[n]."""
    made = encoder.load(tokenizer)
    coded = [made.ids(texts[start:stop]) for start, stop in _batches(texts)]
    flat = np.concatenate([np.zeros(0, dtype=np.int32), *(ids for ids, _ in coded)])
    ends = np.cumsum(np.concatenate([np.zeros(1, dtype=np.int64), *(sizes for _, sizes in coded)]))
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(flat))


def count_tokens(
    texts: pa.LargeStringArray,
    segments: pa.ListArray,
    tokenizer: str | None,
    weights: npt.NDArray[np.float32] | None = None,
    known: Known | None = None,
) -> Tokens:
    """Tokens of each row. weights float32[m]: of each segment. known: ids of the rows' documents, which are not made again.

    tokenizer: path of a tokenizer (``encoder.load``); null counts UTF-8 bytes / 4, rounded up a row. Each segment is
    tokenised on its own, without special tokens, so that no token straddles a border (MeCo; joined text would give
    other ids), but for the turns of a conversation: they are one text, as transformers' ``apply_chat_template`` has it. A token has
    loss where its segment has, of a conversation where any character of it has. Raises RecipeError for a tokenizer that cannot be
    read.
    """
    if tokenizer is None:
        sizes = _bytes_of(texts)
        counts = -(-sizes // BYTES_PER_TOKEN)
        return Tokens(counts.astype(np.int32), trained=_trained(segments, counts))
    made = encoder.load(tokenizer)
    cut = _pieces(texts, segments, weights)
    own = np.zeros(len(cut.pieces), dtype=bool) if known is None else known.pieces(cut)
    rest = np.flatnonzero(~own)
    pieces = _some(cut.pieces, rest)
    lengths = np.zeros(len(cut.pieces), dtype=np.int64)
    coded: list[tuple[Ids, Int]] = []
    for start, stop in _batches(pieces):
        flat, lengths[rest[start:stop]] = made.ids(pieces[start:stop])
        coded.append((flat, rest[start:stop]))
    if known is not None:
        lengths[own] = known.sizes[cut.rows[own]]
        coded.append((known.flat(cut.rows[own]), np.flatnonzero(own)))
    places = np.cumsum(lengths) - lengths
    ids = _placed(coded, places, lengths)
    weight = cut.weights[cut.first[:-1]]
    mask = np.repeat((weight >= 0).view(np.uint8), lengths)
    of_token = None if weights is None else np.repeat(np.maximum(weight, 0), lengths)
    trained = np.where(weight >= 0, lengths, 0)
    for number in np.flatnonzero(cut.mixed).tolist():
        mine = slice(places[number], places[number] + lengths[number])
        found = cut.weights_in(number, made.spans(cut.pieces[number].as_py(), ids[mine]))
        mask[mine], trained[number] = found >= 0, int((found >= 0).sum())
        if of_token is not None:
            of_token[mine] = np.maximum(found, 0)
    counts, with_loss = (np.bincount(cut.rows, weights=one, minlength=len(texts)) for one in (lengths, trained))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    return Tokens(
        counts.astype(np.int32),
        pa.ListArray.from_arrays(offsets, pa.array(ids)),
        pa.ListArray.from_arrays(offsets, pa.array(mask)),
        None if of_token is None else pa.ListArray.from_arrays(offsets, pa.array(of_token)),
        with_loss.astype(np.int32),
        _by_segment(lengths, cut),
    )


def _placed(coded: list[tuple[Ids, Int]], places: Int, lengths: Int) -> Ids:
    """Ids of pieces, which come in parts, (ids, numbers of the pieces), in the order of the pieces; lengths: of each."""
    if len(coded) == 1 and len(coded[0][1]) == len(lengths):
        return coded[0][0]
    ids = np.empty(int(lengths.sum()), dtype=np.int32)
    for flat, mine in coded:
        copy_runs(flat, np.cumsum(lengths[mine]) - lengths[mine], ids, places[mine], lengths[mine])
    return ids


def _some(texts: pa.LargeStringArray, rows: Int) -> pa.LargeStringArray:
    """Some texts, in any order; all of them without a copy."""
    return texts if _is_all(rows, len(texts)) else texts.take(pa.array(rows))


def _is_all(rows: Int, n: int) -> bool:
    """Whether these are all of n rows, in order."""
    return len(rows) == n and np.array_equal(rows, np.arange(n))


def _bytes_of(texts: pa.LargeStringArray) -> Int:
    return np.diff(buffers(texts)[1])


def _by_segment(lengths: npt.NDArray[np.int64], cut: _Pieces) -> npt.NDArray[np.int64]:
    """Tokens of each segment. lengths: of each piece."""
    made = np.zeros(int(cut.first[-1]), dtype=np.int64)
    made[cut.first[:-1]] = lengths
    return made


def _trained(segments: pa.ListArray, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Of each row's tokens those with loss, by its share of code points, where no tokenizer says which they are: int32[n]."""
    structs, lengths, rows = _segments(segments)
    points = np.bincount(rows, weights=lengths, minlength=len(segments))
    lossy = np.bincount(rows, weights=lengths * np.asarray(structs.field("loss")), minlength=len(segments))
    return np.rint(counts * lossy / np.maximum(points, 1)).astype(np.int32)


def _segments(segments: pa.ListArray) -> tuple[pa.StructArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All segments, their lengths in code points, and the row of each."""
    structs = segments.flatten()
    lengths = np.asarray(structs.field("end"), dtype=np.int64) - np.asarray(structs.field("start"), dtype=np.int64)
    return structs, lengths, np.repeat(np.arange(len(segments)), np.asarray(pc.list_value_length(segments), np.int64))


def token_counts(
    many: Sequence[tuple[pa.LargeStringArray, pa.ListArray]], tokenizer: str | None, known: Known | None = None
) -> list[npt.NDArray[np.int32]]:
    """Tokens of each row of several (texts, segments), as ``count_tokens`` counts them: int32[n] each.

    A piece that stands in several of them, such as the text behind different prefixes, is tokenised once.
    """
    if tokenizer is None:
        return [count_tokens(texts, segments, None).counts for texts, segments in many]
    made = encoder.load(tokenizer)
    cut = [_pieces(texts, segments) for texts, segments in many]
    own = [np.zeros(len(one.pieces), dtype=bool) if known is None else known.pieces(one) for one in cut]
    pieces = [one.pieces.filter(pa.array(~mine)) for one, mine in zip(cut, own, strict=True)]
    coded = pa.concat_arrays(pieces).dictionary_encode()
    distinct = coded.dictionary
    lengths = np.zeros(len(distinct), dtype=np.int64)
    for start, stop in _batches(distinct):
        _, lengths[start:stop] = made.ids(distinct[start:stop])
    of_piece = lengths[coded.indices.to_numpy()]
    counts, start = [], 0
    for (texts, _), one, mine, others in zip(many, cut, own, pieces, strict=True):
        sizes = np.zeros(len(one.pieces), dtype=np.int64)
        sizes[~mine] = of_piece[start : start + len(others)]
        if known is not None:
            sizes[mine] = known.sizes[one.rows[mine]]
        counts.append(np.bincount(one.rows, weights=sizes, minlength=len(texts)).astype(np.int32))
        start += len(others)
    return counts


def special_ids(tokenizer: str, packing: Packing) -> dict[Role, int | None]:
    """The ids of the begin, end and pad token. Raises RecipeError for one that the tokenizer does not have."""
    library = encoder.load(tokenizer).library
    asked: dict[Role, Special | None] = {
        "begin": packing.begin,
        "end": packing.end,
        "pad": packing.pad,
    }
    return {role: _special(library, role, wanted, tokenizer) for role, wanted in asked.items()}


def _special(library: Library, role: Role, wanted: Special | None, path: str) -> int | None:
    place = f"shards.packing.{role}"
    if wanted is None:
        return None
    if wanted == "auto":
        found = library.own(role)
        if found is None:
            raise RecipeError(place, f"{path} has no {role} token of its own; write a token or an id, or null for none")
        return found
    if isinstance(wanted, int):
        if not library.has(wanted):
            raise RecipeError(place, f"{path} has no token {wanted}; its ids end at {library.size - 1}")
        return wanted
    found = library.id_of(wanted)
    if found is None:
        raise RecipeError(place, f"{path} has no token {wanted!r}; write one that it has, its id, or null for none")
    return found


@dataclass(frozen=True)
class _Pieces:
    """What is tokenised on its own: a segment, or the turns of a conversation that follow one another.

    pieces large_string[m], rows int64[m]: where each stands; mixed bool[m]: whether its segments have different weights; first
    int64[m + 1] into the segments, whose lengths in code points and weights (-1 without loss) are the last two.
    """

    pieces: pa.LargeStringArray
    rows: npt.NDArray[np.int64]
    mixed: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    def weights_in(
        self, number: int, spans: Sequence[tuple[int, int]] | npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """The weight of each token of a mixed piece: the largest of the segments that it has a character of; -1 where none has
        loss. spans: of the tokens, in code points."""
        mine = slice(int(self.first[number]), int(self.first[number + 1]))
        of_point = np.append(np.repeat(self.weights[mine], self.lengths[mine]), np.float32(-1))
        bounds = np.minimum(np.asarray(spans, dtype=np.int64).reshape(-1, 2), len(of_point) - 1)
        if not len(bounds):
            return np.zeros(0, dtype=np.float32)
        largest = np.maximum.reduceat(of_point, bounds.reshape(-1))[::2]
        return np.where(bounds[:, 1] > bounds[:, 0], largest, np.float32(-1)).astype(np.float32)


def _pieces(
    texts: pa.LargeStringArray, segments: pa.ListArray, weights: npt.NDArray[np.float32] | None = None
) -> _Pieces:
    """Segments cover the texts in order, so that their ends in code points, summed up, cut one long buffer."""
    structs, lengths, rows = _segments(segments)
    given = np.ones(len(rows), dtype=np.float32) if weights is None else weights
    given = np.where(np.asarray(structs.field("loss")), given, np.float32(-1)).astype(np.float32)
    turn = np.asarray(pc.is_in(structs.field("kind"), value_set=pa.array(TURN_KINDS)))
    opens = np.ones(len(rows), dtype=bool)
    opens[1:] = ~(turn[1:] & turn[:-1] & (rows[1:] == rows[:-1]))
    begins = np.flatnonzero(opens)
    first = np.append(begins, len(rows))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    if _is_all(rows[begins], len(texts)):
        pieces, points = texts, int(pc.sum(pc.utf8_length(texts)).as_py() or 0)
    else:
        data, offsets = buffers(texts)
        data = data[int(offsets[0]) : int(offsets[-1])]
        cuts, points = _bytes_at(data, ends[first])
        pieces = pa.LargeStringArray.from_buffers(len(begins), pa.py_buffer(cuts), pa.py_buffer(data))
    if ends[-1] != points:
        raise ValueError("segments do not cover the texts")
    mixed = np.zeros(len(begins), dtype=bool)
    if len(begins):
        mixed = np.maximum.reduceat(given, begins) != np.minimum.reduceat(given, begins)
    return _Pieces(pieces, rows[begins], mixed, first, lengths, given)


@numba.njit(nogil=True, cache=True)
def _bytes_at(data, points):  # type: ignore[no-untyped-def]
    """The first bytes of some code points (ascending) of UTF-8, int64[n], and how many code points there are in all."""
    found = np.full(len(points), len(data), dtype=np.int64)
    at, count = 0, 0
    for block in range(0, len(data), BLOCK):
        end = min(block + BLOCK, len(data))
        inside = 0
        for place in range(block, end):  # without a branch, so that it runs on many bytes at once
            inside += (data[place] & 0xC0) != 0x80
        if at < len(points) and points[at] < count + inside:
            inside = 0
            for place in range(block, end):
                if data[place] & 0xC0 != 0x80:
                    while at < len(points) and points[at] == count + inside:
                        found[at] = place
                        at += 1
                    inside += 1
        count += inside
    return found, count


def _batches(pieces: pa.LargeStringArray) -> list[tuple[int, int]]:
    _, offsets = buffers(pieces)
    cuts, start = [], 0
    while start < len(pieces):
        stop = int(np.searchsorted(offsets, offsets[start] + _BATCH_CHARS, side="right")) - 1
        stop = min(max(stop, start + 1), len(pieces))
        cuts.append((start, stop))
        start = stop
    return cuts
