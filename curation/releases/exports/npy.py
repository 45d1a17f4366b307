"""NumPy arrays that can be mapped into memory: packed rows as [rows, length], others one after another with ``offsets.npy``.

``index.json``, written last, names the release and the files.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from curation import storage
from curation.releases.exports.rows import ARRAYS, Rows, values


def write(rows: Rows, output: str) -> None:
    """Each column of numbers as a file of its own."""
    weighted = rows.manifest["recipe"]["shards"].get("loss_weights") is not None
    columns = ["input_ids", "loss_mask", *(["loss_weights"] if weighted and rows.length is not None else [])]
    sizes = [np.diff(values(table, "loss_mask")[1]) for table in rows.tables(["loss_mask"])]
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    shape = (rows.count, rows.length) if rows.length is not None else (int(offsets[-1]),)
    files: dict[str, Any] = {}
    for column in columns:
        with storage.open_write(storage.join(output, f"{column}.npy")) as file:
            file.write(_header(ARRAYS[column], shape))
            for table in rows.tables([column]):
                file.write(values(table, column)[0].tobytes())
        files[column] = f"{column}.npy"
    if rows.length is None:
        with storage.open_write(storage.join(output, "offsets.npy")) as file:
            file.write(_header(offsets.dtype, offsets.shape) + offsets.tobytes())
        files["offsets"] = "offsets.npy"
    said = {"release": rows.manifest["release"], "rows": rows.count, "sequence_length": rows.length, "files": files}
    storage.put(storage.join(output, "index.json"), json.dumps(said).encode())


def _header(kind: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    head = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(head, described)
    return head.getvalue()
