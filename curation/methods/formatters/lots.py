"""What a formatter draws for each document of a phase, so that shares come out exact.

A phase's documents get the numbers (k + ½) / n in a drawn order, each once: of these, s · n lie under s, to the nearest
document, where independent draws would miss it by the square root of n.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import seeds
from curation.arrays.document_ids import id_words
from curation.arrays.sorting import order_by

COLUMN = "phase:lot"
"""Of the documents that are written: their lots. No tag can be named like it."""


def of_phase(
    ids: npt.NDArray[np.uint64], copies: npt.NDArray[np.int32], *, seed: int, phase: str
) -> npt.NDArray[np.float64]:
    """The lots of a phase's documents: float64[n]. ids: uint64[n, 2]; copies: tells the places of one document apart."""
    key = seeds.keys(seed, phase, "lot", ids=np.column_stack([ids, copies.astype(np.uint64)]))
    lots = np.empty(len(ids))
    lots[order_by(ids, key)] = (np.arange(len(ids)) + 0.5) / max(len(ids), 1)
    return lots


def of_documents(documents: pa.Table, *, seed: int, phase: str) -> npt.NDArray[np.float64]:
    """The documents' lots; where they stand in no phase yet (they are being counted), independent draws: float64[n]."""
    if COLUMN in documents.column_names:
        return documents[COLUMN].to_numpy()
    return seeds.uniforms(seeds.keys(seed, phase, "lot", ids=id_words(documents["id"])))
