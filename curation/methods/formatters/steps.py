"""Steps of reasoning before the answer, for a share of the documents, some of the steps wrong.

Source: explicit CoT training (Yao et al. 2025): the share λ of documents with steps and the rate of wrong steps are its
two knobs. What a wrong step is in text is ours: its digits are replaced by others; without digits, its words change
places. The share of a phase's documents is exact, to the nearest document; which steps are wrong follows from (seed, phase, id).
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import seeds
from curation.arrays.arrow_text import as_text
from curation.arrays.document_ids import id_words
from curation.methods.formatters import lots
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Formatted, Int, Lists, side_by_side
from curation.methods.formatters.thoughts import answered
from curation.methods.formatters.values import texts_of
from schemas.formatters import Steps


def steps(documents: pa.Table, params: Steps, *, seed: int, phase: str) -> Formatted:
    """Prompt, steps (``thought``), text (``answer``); a document without steps as ``plain`` writes it."""
    texts, counts = texts_of(documents, params.steps)
    ids = id_words(documents["id"])
    led = lots.of_documents(documents, seed=seed, phase=phase) < params.share
    rows = np.repeat(np.arange(len(counts)), counts)
    texts = texts.filter(pa.array(led[rows]))
    rows = rows[led[rows]]
    counts = np.where(led, counts, 0)
    if params.noise > 0 and len(rows):
        texts = _corrupted(texts, rows, counts, ids, params.noise, seed, phase)
    closed = pc.binary_join_element_wise(
        texts, pa.scalar(params.separator, pa.large_string()), pa.scalar("", pa.large_string())
    )
    before, after = answered(body(documents), pa.array(counts > 0))
    return side_by_side([*before, Lists(as_text(closed), counts, "thought", params.loss), *after])


def _corrupted(
    texts: pa.LargeStringArray, rows: Int, counts: Int, ids: np.ndarray, noise: float, seed: int, phase: str
) -> pa.LargeStringArray:
    """The steps, a share of them made wrong; only those are touched in Python."""
    place = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
    own = np.column_stack([ids[rows], place.astype(np.uint64)])
    key = seeds.keys(seed, phase, "step noise", ids=own)
    wrong = np.flatnonzero(seeds.uniforms(key) < noise)
    made = texts.to_pylist()
    for i in wrong.tolist():
        made[i] = corrupt(made[i], seeds.rng(seed, phase, "step", int(key[i])))
    return pa.array(made, pa.large_string())


def corrupt(step: str, generator: np.random.Generator) -> str:
    """A step with every digit another one, or, without digits, its words in another order.

    A step of one word without digits, or of equal words, stays as it is.
    """
    if re.search(r"[0-9]", step):
        return re.sub(r"[0-9]", lambda m: str((int(m[0]) + int(generator.integers(1, 10))) % 10), step)
    words = step.split()
    if len(set(words)) < 2:
        return step
    mixed = words
    while mixed == words:
        mixed = [words[i] for i in generator.permutation(len(words))]
    return " ".join(mixed)
