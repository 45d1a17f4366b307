"""Megatron's indexed datasets: ``rows.bin`` and ``rows.idx``; the loss mask as one more, ``rows_loss_mask``.

Format: megatron-core 0.16, ``core/datasets/indexed_dataset.py``. Each row is a document of one sequence. A release that is not
packed has no token between its documents: pack it, with an end token, where Megatron is to cut them into samples.
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from curation import storage
from curation.releases.exports.rows import ARRAYS, Rows, values

MAGIC = b"MMIDIDX\x00\x00"
CODES = {"uint8": 1, "int32": 4, "float32": 7, "uint16": 8}
"""``DType``: numbers for NumPy's types."""
SMALL = 65_500
"""Below so many different tokens Megatron stores 16 bits."""


def write(rows: Rows, output: str) -> None:
    """The ids, then every column of numbers that goes with them; of each the index last."""
    largest = rows.largest("input_ids")
    small = largest is not None and largest < SMALL - 1
    names = {"input_ids": "rows", "loss_mask": "rows_loss_mask"}
    if rows.length is not None and rows.manifest["recipe"]["shards"].get("loss_weights") is not None:
        names["loss_weights"] = "rows_loss_weights"
    for column, name in names.items():
        kind: np.dtype[Any] = np.dtype(np.uint16) if small and column == "input_ids" else ARRAYS[column]
        lengths: list[npt.NDArray[np.int32]] = []
        with storage.open_write(storage.join(output, f"{name}.bin")) as file:
            for table in rows.tables([column]):
                flat, offsets = values(table, column)
                file.write(flat.astype(kind, copy=False).tobytes())
                lengths.append(np.diff(offsets).astype(np.int32))
        _index(storage.join(output, f"{name}.idx"), np.concatenate(lengths), kind)


def _index(path: str, lengths: npt.NDArray[np.int32], kind: np.dtype[Any]) -> None:
    ends = np.cumsum(lengths.astype(np.int64)) * kind.itemsize
    pointers = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    head = MAGIC + struct.pack("<QBQQ", 1, CODES[kind.name], len(lengths), len(lengths) + 1)
    documents = np.arange(len(lengths) + 1, dtype=np.int64)
    with storage.open_write(path) as file:
        for piece in chain([head], (array.tobytes() for array in (lengths, pointers, documents))):
            file.write(piece)
