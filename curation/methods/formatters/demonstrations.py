"""Neighbours of the document before it, the most similar one last, loss on the document alone.

Source: UDR (Li et al. 2023) and meta-training with demonstration retrieval (Mueller et al. 2023). That the most similar
stands last, next to the query, and that what does not fit is skipped, is our reading. One packed row is not the
marginal likelihood of the second paper, whose sum over demonstrations is inside the logarithm.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Formatted, Lists, side_by_side
from curation.methods.formatters.values import OWN_NAME, texts_of
from schemas.errors import RecipeError
from schemas.formatters import Demonstrations


def demonstrations(documents: pa.Table, params: Demonstrations, *, seed: int, phase: str) -> Formatted:
    """The demonstrations (``demonstration``), then the document as ``plain`` writes it.

    A Python loop over documents: each packs a handful of neighbours. A neighbour without a similarity comes last. One a pass: that of the
    document's pass, p(z given x) = softmax of the similarities of those that are packed is the document's weight (meta-training with
    demonstration retrieval, section 3); past the last one it weighs nothing.
    """
    texts, counts = texts_of(documents, params.examples)
    sizes = np.asarray(pc.utf8_length(texts), dtype=np.int64)
    ends = np.cumsum(counts)
    values: list[str] = []
    value_ends = np.zeros(len(counts), dtype=np.int64)
    if params.similarities is not None:
        numbers, value_counts = texts_of(documents, params.similarities)
        values, value_ends = numbers.to_pylist(), np.cumsum(value_counts)
    same = _own(documents, texts, counts, params.ids)
    passes = (
        documents["epoch"].to_numpy() if "epoch" in documents.column_names else np.zeros(len(counts), dtype=np.int32)
    )
    parts = np.ones(len(counts), dtype=np.float32)
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
        if params.one_a_pass and packed:
            best = packed[::-1]
            strength = np.array([near[k] for k in best])
            strength = np.exp(strength - strength[0]) if math.isfinite(strength[0]) else np.ones(len(best))
            here = min(int(passes[i]), len(best) - 1)
            parts[i] = strength[here] / strength.sum() if passes[i] < len(best) else 0.0
            packed = [best[here]]
        order += [first + k for k in packed]
        taken[i] = len(packed)
    chosen = texts.take(pa.array(order, pa.int64()))
    end_of = pa.scalar(params.separator, pa.large_string())
    chosen = as_text(pc.binary_join_element_wise(chosen, end_of, pa.scalar("", pa.large_string())))
    made = side_by_side([Lists(chosen, taken, "demonstration", False), *body(documents)])
    if not params.one_a_pass:
        return made
    rows = np.asarray(pc.list_parent_indices(made.segments), dtype=np.int64)
    return replace(made, weights=made.weights * parts[rows])


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


def _own(
    documents: pa.Table, texts: pa.LargeStringArray, counts: npt.NDArray[np.int64], ids: str | None
) -> npt.NDArray[np.bool_]:
    """Which neighbours are the document itself: bool[neighbours]. By their ids where these are at hand, else by what they say,
    white space aside: the document's text, or its prompt and then, at the end, its text."""
    rows = pa.array(np.repeat(np.arange(len(counts)), counts))
    said, text = _bare(texts), _bare(as_text(documents["text"])).take(rows)
    same = pc.equal(said, text)
    if "prompt" in documents.column_names:
        prompt = _bare(as_text(pc.fill_null(documents["prompt"], ""))).take(rows)
        whole = [
            len(p) > 0 and s.endswith(t) and p in s[: len(s) - len(t)]
            for s, p, t in zip(said.to_pylist(), prompt.to_pylist(), text.to_pylist(), strict=True)
        ]
        same = pc.or_(same, pa.array(whole, pa.bool_()))
    if ids is not None:
        named, named_counts = texts_of(documents, ids)
        if not np.array_equal(named_counts, counts):
            raise RecipeError("conditioning.ids", f"{ids!r} does not hold one id for each of the examples")
        for own in ("id", OWN_NAME):
            if own in documents.column_names:
                mine = as_text(pc.fill_null(documents[own], "")).take(rows)
                same = pc.or_(
                    same, pc.and_(pc.equal(named, mine), pc.not_equal(mine, pa.scalar("", pa.large_string())))
                )
    return np.asarray(same)


def _bare(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Texts without white space."""
    return as_text(pc.replace_substring_regex(texts, r"\s+", ""))
