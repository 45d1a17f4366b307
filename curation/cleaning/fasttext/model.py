"""fastText's inference (Joulin et al. 2016) from the Arrow buffers: labels and probabilities, no lock, no object a text.

A text's vector is the mean of its features' rows (``fasttext_features``); labels come from it by the model's loss. Labels
are those of fasttext-wheel 0.9.2, scores within 1e-5 of its (tests/curation/cleaning/test_fasttext_model.py).
"""

from __future__ import annotations

import math
import threading
import weakref

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from curation import storage
from curation.arrays.arrow_text import buffers
from curation.cleaning.fasttext.features import Floats, sum_rows
from curation.cleaning.fasttext.file import HIERARCHICAL, SOFTMAX, FastTextModel, load
from schemas.errors import RecipeError

CACHE_BYTES = 1 << 23
SMALL = 1e-5
"""fastText adds it under each logarithm, and leaves out what is less likely."""
TABLE_SIZE, MAX_SIGMOID = 512, 8.0


def _model(path: str, place: str) -> FastTextModel:
    if not storage.exists(path):
        raise RecipeError(place, f"{path!r} is no file")
    try:
        return load(path)
    except ValueError as error:
        raise RecipeError(place, f"{path!r} is no fastText model: {error}") from None


def predict(
    texts: pa.LargeStringArray, path: str, *, place: str, max_bytes: int | None = None
) -> tuple[list[str | None], npt.NDArray[np.float32]]:
    """Top label without ``__label__`` and probability, float32[n], of each text; None, 0.0 where there is none.

    max_bytes: of longer texts so much is read, a third each from the start, the middle and the end.

    Raises RecipeError at ``place`` for a file that is no model.
    """
    model = _model(path, place)
    vectors, counts = _vectors(texts, model, max_bytes)
    best, scores = _top_labels(vectors, model)
    names = [
        model.labels[label] if count else None for label, count in zip(best.tolist(), counts.tolist(), strict=True)
    ]
    return names, np.where(counts > 0, np.minimum(scores, 1.0), 0.0).astype(np.float32)


def probabilities(texts: pa.LargeStringArray, path: str, label: str, *, place: str) -> npt.NDArray[np.float32]:
    """Probability of one label for each text, line ends as spaces: float32[n].

    Raises RecipeError at ``place`` for a file that is no model, or a model without the label.
    """
    model = _model(path, f"{place}.model")
    if label not in model.labels:
        known = ", ".join(sorted(model.labels)[:20])
        raise RecipeError(f"{place}.label", f"the model has no label {label!r}; it has {known}")
    vectors, counts = _vectors(texts, model, None)
    found = _label_scores(vectors, model, model.labels.index(label))
    return np.where(counts > 0, np.minimum(found, 1.0), 0.0).astype(np.float32)


class _Known:
    """A thread's words of one model and the sums of their rows, kept from batch to batch."""

    def __init__(self, dim: int):
        words = max(CACHE_BYTES // (4 * dim), 256)
        self.table = np.zeros((1 << (2 * words - 1).bit_length(), 2), dtype=np.uint64)
        self.sums = np.zeros((words, dim), dtype=np.float32)
        self.number = np.zeros(1, dtype=np.int64)


_of_thread = threading.local()


def _known_words(model: FastTextModel) -> _Known:
    """They go with the model, or with the thread."""
    if not hasattr(_of_thread, "by_model"):
        _of_thread.by_model = weakref.WeakKeyDictionary()
    by_model: weakref.WeakKeyDictionary[FastTextModel, _Known] = _of_thread.by_model
    if model not in by_model:
        by_model[model] = _Known(model.dim)
    return by_model[model]


def _vectors(
    texts: pa.LargeStringArray, model: FastTextModel, max_bytes: int | None
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The mean of each text's rows, float32[n, dim], and how many they are."""
    data, offsets = buffers(texts)
    out = np.zeros((len(texts), model.dim), dtype=np.float32)
    counts = np.zeros(len(texts), dtype=np.int64)
    known = _known_words(model)
    numbers = (
        model.n_words,
        model.bucket,
        model.minn,
        model.maxn,
        model.word_ngrams,
        model.end_row,
        int(model.keeps_ngrams),
        0 if max_bytes is None else max(max_bytes // 3, 1),
    )
    sum_rows(
        data,
        offsets,
        model.rows,
        model.word_keys,
        model.word_rows,
        model.pruned,
        model.present,
        numbers,
        known.table,
        known.sums,
        known.number,
        out,
        counts,
    )
    return out, counts


def _top_labels(vectors: Floats, model: FastTextModel) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The most probable label of each vector, and fastText's probability of it."""
    if model.loss == HIERARCHICAL:
        best, scores = np.zeros(len(vectors), dtype=np.int64), np.zeros(len(vectors))
        _walk(vectors, model.outputs, model.left, model.right, best, scores)
        return best, scores
    every = _flat(vectors, model)
    # Of equals the last, as fastText's heap of one leaves it.
    best = every.shape[1] - 1 - every[:, ::-1].argmax(axis=1) if len(every) else np.zeros(0, dtype=np.int64)
    return best, np.take_along_axis(every, best[:, None], axis=1)[:, 0]


def _label_scores(vectors: Floats, model: FastTextModel, label: int) -> npt.NDArray[np.float64]:
    if model.loss != HIERARCHICAL:
        return _flat(vectors, model)[:, label]
    path, node = [], label
    for parent in range(len(model.labels), 2 * len(model.labels) - 1):  # parents stand after their children
        if node in (model.left[parent], model.right[parent]):
            path.append((parent - len(model.labels), node == model.right[parent]))
            node = parent
    score, gone = np.zeros(len(vectors)), np.zeros(len(vectors), dtype=bool)
    for inner, is_right in reversed(path):
        f = 1.0 / (1.0 + np.exp(-(vectors @ model.outputs[inner]).astype(np.float64)))
        score += np.log((f if is_right else 1.0 - f) + SMALL)
        gone |= score < math.log(SMALL)
    return np.where(gone, 0.0, np.exp(score))


def _flat(vectors: Floats, model: FastTextModel) -> npt.NDArray[np.float64]:
    """Probabilities of all labels by softmax or by sigmoids, with fastText's 1e-5: float64[n, labels]."""
    # Row by row: a product of matrices may round otherwise for another batch.
    dots = np.zeros((len(vectors), len(model.outputs)), dtype=np.float32)
    _dot_rows(vectors, model.outputs, dots)
    if model.loss == SOFTMAX:
        raised = np.exp(dots - dots.max(axis=1, keepdims=True), dtype=np.float32)
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float64) + SMALL
    step = np.clip((dots + MAX_SIGMOID) * TABLE_SIZE / MAX_SIGMOID / 2, 0, TABLE_SIZE).astype(np.int64)
    table = 1.0 / (1.0 + np.exp(-(np.arange(TABLE_SIZE + 1) * 2 * MAX_SIGMOID / TABLE_SIZE - MAX_SIGMOID)))
    found = np.where(dots < -MAX_SIGMOID, 0.0, np.where(dots > MAX_SIGMOID, 1.0, table[step]))
    return found + SMALL


@njit(nogil=True, cache=True)
def _dot_rows(vectors: Floats, outputs: Floats, dots: Floats) -> None:
    for i in range(len(vectors)):
        for label in range(len(outputs)):
            total = np.float32(0.0)
            for d in range(vectors.shape[1]):
                total += vectors[i, d] * outputs[label, d]
            dots[i, label] = total


@njit(nogil=True, cache=True)
def _walk(
    vectors: Floats,
    outputs: Floats,
    left: npt.NDArray[np.int32],
    right: npt.NDArray[np.int32],
    best: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """The most probable leaf of the tree, the likelier child first, without what cannot win."""
    leaves = (len(left) + 1) // 2
    nodes = np.empty(2 * len(left), dtype=np.int64)
    logs = np.empty(2 * len(left), dtype=np.float64)
    least = math.log(SMALL)
    for i in range(len(vectors)):
        nodes[0], logs[0] = len(left) - 1, 0.0
        depth = 1
        found, top = -1, -np.inf
        while depth:
            depth -= 1
            node, score = nodes[depth], logs[depth]
            if score < least or score < top:
                continue
            if left[node] < 0:
                if score > top:
                    found, top = node, score
                continue
            dot = np.float32(0.0)
            for d in range(vectors.shape[1]):
                dot += vectors[i, d] * outputs[node - leaves, d]
            f = 1.0 / (1.0 + math.exp(-np.float64(dot)))
            low, high = score + math.log(1.0 - f + SMALL), score + math.log(f + SMALL)
            if f > 0.5:
                nodes[depth], logs[depth] = left[node], low
                nodes[depth + 1], logs[depth + 1] = right[node], high
            else:
                nodes[depth], logs[depth] = right[node], high
                nodes[depth + 1], logs[depth + 1] = left[node], low
            depth += 2
        best[i] = max(found, 0)
        scores[i] = math.exp(top)
