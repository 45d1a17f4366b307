"""Neighbours of the document before it, the most similar one last, loss on the document alone.

Source: UDR (Li et al. 2023) and meta-training with demonstration retrieval (Mueller et al. 2023). That the most similar
stands last, next to the query, and that what does not fit is skipped, is our reading. One packed row is not the
marginal likelihood of the second paper, whose sum over demonstrations is inside the logarithm.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrow_text import as_text
from curation.formatters.plain import body
from curation.formatters.segments import Formatted, Lists, with_lists
from curation.formatters.values import texts_of
from schemas.formatters import Demonstrations


def demonstrations(documents: pa.Table, params: Demonstrations, *, seed: int, phase: str) -> Formatted:
    """The demonstrations (``demonstration``), then the document as ``plain`` writes it.

    A Python loop over documents: each packs a handful of neighbours. A neighbour without a similarity comes last.
    """
    texts, counts = texts_of(documents, params.examples)
    sizes = np.asarray(pc.utf8_length(texts), dtype=np.int64)
    ends = np.cumsum(counts)
    values: list[str] = []
    value_ends = np.zeros(len(counts), dtype=np.int64)
    if params.similarities is not None:
        numbers, value_counts = texts_of(documents, params.similarities)
        values, value_ends = numbers.to_pylist(), np.cumsum(value_counts)
    own = _repeated(as_text(documents["text"]), counts)
    same = np.asarray(pc.equal(texts, own))
    order: list[int] = []
    taken = np.zeros(len(counts), dtype=np.int64)
    for i, (count, end) in enumerate(zip(counts.tolist(), ends.tolist(), strict=True)):
        first = end - count
        near = [-float(k) for k in range(count)]
        if params.similarities is not None:
            mine = values[(int(value_ends[i - 1]) if i else 0) : int(value_ends[i])]
            near = [_number(mine[k]) if k < len(mine) else -math.inf for k in range(count)]
        packed = pack_by_similarity(
            near,
            sizes[first:end].tolist(),
            [bool(s) for s in same[first:end]],
            documents=params.documents,
            max_chars=params.max_chars,
            max_similarity=params.max_similarity if params.similarities is not None else None,
        )
        order += [first + k for k in packed]
        taken[i] = len(packed)
    chosen = texts.take(pa.array(order, pa.int64()))
    end_of = pa.scalar(params.separator, pa.large_string())
    chosen = as_text(pc.binary_join_element_wise(chosen, end_of, pa.scalar("", pa.large_string())))
    return with_lists([], Lists(chosen, taken, "demonstration", False), body(documents))


def pack_by_similarity(
    similarities: list[float],
    sizes: list[int],
    excluded: list[bool],
    *,
    documents: int,
    max_chars: int | None,
    max_similarity: float | None = None,
) -> list[int]:
    """Which neighbours are packed, the most similar last.

    The ``documents`` most similar ones that are not excluded; of those, from the most similar down, what fits.
    """
    fit = [
        k
        for k in range(len(sizes))
        if not excluded[k] and (max_similarity is None or similarities[k] <= max_similarity)
    ]
    best = sorted(fit, key=lambda k: (-similarities[k], k))[:documents]
    packed, used = [], 0
    for k in best:
        if max_chars is None or used + sizes[k] <= max_chars:
            packed.append(k)
            used += sizes[k]
    return packed[::-1]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return -math.inf
    return value if not math.isnan(value) else -math.inf


def _repeated(texts: pa.LargeStringArray, counts: np.ndarray) -> pa.LargeStringArray:
    return texts.take(pa.array(np.repeat(np.arange(len(counts)), counts)))
