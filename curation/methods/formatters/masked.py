"""Words that are to be predicted, at a rate that is drawn afresh for each document: loss on them alone.

Source: mazes with multi-step prediction (MLM-U, Kitouni et al. 2024): the mask rate is uniform on (0, 1), a document and epoch. The text is
written whole: what a model is not to see are the segments of kind ``masked``, which the trainer covers. Where we differ: words (runs
between white space; each Chinese or Japanese character) stand for tokens, and a document in which no word was drawn has one of them masked.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import seeds
from curation.arrays.arrow_text import as_text, buffers
from curation.arrays.document_ids import id_words
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Column, Formatted, Int, Lists, side_by_side
from curation.methods.formatters.word_spans import begins_word, count_words, next_uniform
from schemas.formatters import Masked
from schemas.tables import SEGMENT_KINDS


def masked(documents: pa.Table, params: Masked, *, seed: int, phase: str) -> Formatted:
    """The prompt, then the text as runs of words by turns ``content`` (no loss) and ``masked`` (loss)."""
    data, offsets = buffers(as_text(documents["text"]))
    keys = seeds.keys(seed, phase, "masked", ids=id_words(documents["id"]))
    if "epoch" in documents.column_names:
        keys = keys + documents["epoch"].to_numpy().astype(np.uint64) * np.uint64(0xD1342543DE82EF95)
    cuts, hidden, counts = draw_runs(data, offsets, count_words(data, offsets), keys, params.min_rate, params.max_rate)
    runs = pa.LargeStringArray.from_buffers(len(hidden), pa.py_buffer(cuts), pa.py_buffer(data))
    kinds = np.where(hidden, SEGMENT_KINDS.index("masked"), SEGMENT_KINDS.index("content")).astype(np.int8)
    prompts = [piece for piece in body(documents) if isinstance(piece, Column) and piece.kind == "prompt"]
    return side_by_side([*prompts, Lists(runs, counts, kinds, hidden.astype(np.float32))])


@numba.njit(nogil=True, cache=True)
def draw_runs(
    data: npt.NDArray[np.uint8], offsets: Int, words: Int, keys: npt.NDArray[np.uint64], least: float, most: float
) -> tuple[Int, npt.NDArray[np.bool_], Int]:
    """Runs of words that are alike: their byte offsets int64[m + 1], whether each is masked bool[m], how many each text has int64[n].

    A word owns the white space behind it, and the first one what stands before it.
    """
    n = len(words)
    cuts = np.empty(words.sum() + n + 1, dtype=np.int64)
    hidden = np.zeros(words.sum() + n, dtype=np.bool_)
    counts = np.zeros(n, dtype=np.int64)
    state = np.zeros(1, dtype=np.uint64)
    run = 0
    for i in range(n):
        state[0] = keys[i]
        rate = least + (most - least) * next_uniform(state)
        draws = np.empty(words[i], dtype=np.bool_)
        for word in range(words[i]):
            draws[word] = next_uniform(state) < rate
        if words[i] > 0 and not draws.any():
            draws[min(int(next_uniform(state) * words[i]), words[i] - 1)] = True
        if offsets[i] == offsets[i + 1]:
            continue
        cuts[run] = offsets[i]
        hidden[run] = words[i] > 0 and draws[0]
        word = -1
        for at in range(offsets[i], offsets[i + 1]):
            if begins_word(data, at, offsets[i]):
                word += 1
                if draws[word] != hidden[run]:
                    run += 1
                    counts[i] += 1
                    cuts[run] = at
                    hidden[run] = draws[word]
        run += 1
        counts[i] += 1
    cuts[run] = offsets[n]
    return cuts[: run + 1].copy(), hidden[:run].copy(), counts
