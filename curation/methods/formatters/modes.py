"""A mode token, the text with hidden spans, then the hidden spans with loss: UL2's mixture of denoisers.

Source: UL2 (Tay et al. 2022), table 1, with T5's span corruption (``random_spans_noise_mask``): noise words
round(L · r), spans round(noise / μ), random lengths of kept and hidden spans, first span kept, last hidden. Where we
differ: words (runs between white space; each Chinese or Japanese character) stand for tokens, a whole document for a
window of 512, and what would need more sentinels than there are gets longer spans. A phase's denoisers come out
in their shares, each to within a document; spans follow from (seed, phase, id). A text of one word cannot be corrupted: it is written plain.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import seeds
from curation.arrays.arrow_text import as_text, buffers
from curation.arrays.document_ids import id_words
from curation.methods.formatters import lots
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Column, Formatted, Int, joined, side_by_side
from curation.methods.formatters.word_spans import begins_word, count_words, next_uniform
from schemas.formatters import Modes


def modes(documents: pa.Table, params: Modes, *, seed: int, phase: str) -> Formatted:
    """Mode token (``mode``), prompt, text with sentinels (``content``, no loss), hidden spans (``answer``, loss)."""
    texts = as_text(documents["text"])
    ids = id_words(documents["id"])
    data, offsets = buffers(texts)
    which = draw_denoisers(params, lots.of_documents(documents, seed=seed, phase=phase))
    words = count_words(data, offsets)
    spans = np.array([-1.0 if d.span is None else d.span for d in params.denoisers])[which]
    rates = np.array([d.rate for d in params.denoisers])[which]
    noise, counts = span_counts(words, spans, rates, params.max_sentinels)
    cuts = draw_cuts(data, offsets, words, noise, counts, seeds.keys(seed, phase, "spans", ids=ids))
    corrupted = words >= 2
    inputs, targets = assemble(data, cuts, counts, sentinels=corrupted & (spans > 0), ended=corrupted, params=params)
    tokens = pa.array([*(f"{d.mode} " for d in params.denoisers), ""], pa.large_string())
    mode = tokens.take(pa.array(np.where(corrupted, which, len(params.denoisers))))
    prompts = [piece for piece in body(documents) if isinstance(piece, Column) and piece.kind == "prompt"]
    return side_by_side(
        [
            Column(as_text(mode), "mode", False),
            *prompts,
            Column(inputs, "content", False),
            Column(targets, "answer", True),
        ]
    )


def draw_denoisers(params: Modes, uniforms: npt.NDArray[np.float64]) -> Int:
    """The denoiser of each document: int64[n]."""
    weights = np.array([d.weight for d in params.denoisers])
    ends = np.cumsum(weights) / weights.sum()
    last = int(np.flatnonzero(weights)[-1])
    return np.minimum(np.searchsorted(ends, uniforms, side="right"), last)


def span_counts(
    words: Int, spans: npt.NDArray[np.float64], rates: npt.NDArray[np.float64], max_sentinels: int
) -> tuple[Int, Int]:
    """Hidden words and hidden spans of each text, int64[n] each; a span mean under 0 is one span at the end.

    A text of fewer than two words is hidden whole: all of it has loss.
    """
    noise = np.clip(np.round(words * rates).astype(np.int64), 1, np.maximum(words - 1, 1))
    counts = np.maximum(1, np.round(noise / np.abs(spans)).astype(np.int64))
    counts = np.minimum(np.minimum(counts, max_sentinels), np.minimum(noise, np.maximum(words - noise, 1)))
    short = words < 2
    return np.where(short, words, noise), np.where(short | (spans < 0), 1, counts)


def assemble(
    data: npt.NDArray[np.uint8],
    cuts: Int,
    counts: Int,
    *,
    sentinels: npt.NDArray[np.bool_],
    ended: npt.NDArray[np.bool_],
    params: Modes,
) -> tuple[pa.LargeStringArray, pa.LargeStringArray]:
    """Inputs and targets of each text, LargeString[n] each.

    cuts: the texts' bytes cut into kept and hidden spans by turns, int64[2 · sum(counts) + 1]; counts: hidden spans of
    each text. sentinels: whether spans are marked; ended: whether ``params.end`` closes inputs and targets.
    """
    slices = pa.LargeStringArray.from_buffers(len(cuts) - 1, pa.py_buffer(cuts), pa.py_buffer(data))
    most = int(counts.max(initial=1))
    literals = pa.array([*(f"<extra_id_{k}> " for k in range(most)), params.end, ""], pa.large_string())
    first, end, nothing = len(slices), len(slices) + most, len(slices) + most + 1
    starts = np.concatenate([[0], np.cumsum(2 * counts + 1)])
    row = np.repeat(np.arange(len(counts)), 2 * counts + 1)
    place = np.arange(starts[-1]) - starts[row]
    span, odd = place // 2, place % 2 == 1
    begins = 2 * (np.cumsum(counts) - counts)[row]
    closing = place == 2 * counts[row]
    mark = np.where(sentinels[row], first + span, nothing)
    close = np.where(ended[row], end, nothing)
    kept = np.where(closing, close, np.where(odd, mark, begins + 2 * span))
    hidden = np.where(closing, close, np.where(odd, begins + 2 * span + 1, mark))
    pieces = pa.concat_arrays([slices, literals])
    return joined(pieces.take(pa.array(kept)), starts), joined(pieces.take(pa.array(hidden)), starts)


@numba.njit(nogil=True, cache=True)
def _partition(total: int, parts: int, state: npt.NDArray[np.uint64], lengths: Int) -> None:
    """``total`` as ``parts`` lengths >= 1, all ways alike: parts - 1 of total - 1 borders (selection sampling)."""
    part, length, left = 0, 1, parts - 1
    for border in range(total - 1):
        if left > 0 and next_uniform(state) * (total - 1 - border) < left:
            lengths[part] = length
            part, length, left = part + 1, 1, left - 1
        else:
            length += 1
    lengths[part] = length


@numba.njit(nogil=True, cache=True)
def draw_cuts(
    data: npt.NDArray[np.uint8], offsets: Int, words: Int, noise: Int, counts: Int, keys: npt.NDArray[np.uint64]
) -> Int:
    """Byte offsets that cut each text into kept and hidden spans by turns: int64[2 · sum(counts) + 1].

    A word owns the white space behind it; a text of fewer than two words has an empty kept span.
    """
    cuts = np.empty(2 * counts.sum() + 1, dtype=np.int64)
    state = np.zeros(1, dtype=np.uint64)
    at_cut = 0
    for i in range(len(words)):
        start, stop = offsets[i], offsets[i + 1]
        n = counts[i]
        kept = np.zeros(n, dtype=np.int64)
        hidden = np.zeros(n, dtype=np.int64)
        if words[i] >= 2:
            state[0] = keys[i]
            _partition(noise[i], n, state, hidden)
            _partition(words[i] - noise[i], n, state, kept)
        else:
            hidden[0] = words[i]
        word = 0
        at = start
        for span in range(2 * n):
            cuts[at_cut] = at
            at_cut += 1
            word += kept[span // 2] if span % 2 == 0 else hidden[span // 2]
            # On to the first byte of word number `word`, or to the end of the text.
            seen = word - (kept[span // 2] if span % 2 == 0 else hidden[span // 2])
            while at < stop:
                if begins_word(data, at, start):
                    if seen == word:
                        break
                    seen += 1
                at += 1
            if span == 2 * n - 1:
                at = stop
        if i == len(words) - 1:
            cuts[at_cut] = stop
    if len(words) == 0:
        cuts[0] = 0
    return cuts
