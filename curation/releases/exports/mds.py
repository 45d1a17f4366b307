"""MosaicML Streaming's shards, ``shard.00000.mds`` …, and ``index.json``, written last.

Format: mosaicml-streaming 0.13, ``base/format/mds/writer.py`` and ``encodings.py``. All that is neither text nor an array of numbers is
the JSON column ``row``.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from curation import storage
from curation.releases.exports.rows import ARRAYS, Rows, Sample
from schemas.errors import RunError

SHARD_BYTES = 1 << 26
SHAPES = ((1 << 8, np.uint8), (1 << 16, np.uint16), (1 << 32, np.uint32))


def write(rows: Rows, output: str) -> None:
    """A file for every 64 MB of samples. Raises RunError for a row without tokens, which the format cannot hold."""
    columns: dict[str, str] | None = None
    shards: list[dict[str, Any]] = []
    held: list[bytes] = []
    size = 0

    def leave() -> None:
        nonlocal held, size
        config = _config(columns or {})
        data = _shard(held, json.dumps(config, sort_keys=True).encode())
        name = f"shard.{len(shards):05d}.mds"
        storage.put(storage.join(output, name), data)
        raw = {"basename": name, "bytes": len(data), "hashes": {}}
        shards.append({**config, "raw_data": raw, "samples": len(held), "zip_data": None})
        held, size = [], 0

    for sample in rows.samples():
        if columns is None:
            columns = _columns(sample)
        held.append(_encoded(sample, columns))
        size += len(held[-1]) + 4
        if size >= SHARD_BYTES:
            leave()
    if held:
        leave()
    storage.put(
        storage.join(output, "index.json"), json.dumps({"version": 2, "shards": shards}, sort_keys=True).encode()
    )


def _columns(sample: Sample) -> dict[str, str]:
    """Columns by name, sorted, and how each is encoded."""
    columns = {"position": "int", "row": "json", **{name: f"ndarray:{ARRAYS[name].name}" for name in sample.arrays}}
    if sample.text is not None:
        columns["text"] = "str"
    return dict(sorted(columns.items()))


def _config(columns: dict[str, str]) -> dict[str, Any]:
    return {
        "column_encodings": list(columns.values()),
        "column_names": list(columns),
        "column_sizes": [8 if encoding == "int" else None for encoding in columns.values()],
        "compression": None,
        "format": "mds",
        "hashes": [],
        "size_limit": SHARD_BYTES,
        "version": 2,
    }


def _encoded(sample: Sample, columns: dict[str, str]) -> bytes:
    sizes, data = [], []
    for name in columns:
        piece: bytes
        if name == "position":
            piece = np.int64(sample.position).tobytes()
        elif name == "text":
            piece = (sample.text or "").encode()
        elif name == "row":
            piece = json.dumps(sample.rest, ensure_ascii=False).encode()
        else:
            array = sample.arrays[name]
            if not len(array):
                raise RunError("export", f"position {sample.position} has no tokens, and MDS holds no empty arrays")
            code, kind = next((code, kind) for code, (most, kind) in enumerate(SHAPES) if len(array) < most)
            piece = bytes([1 << 2 | code]) + np.array(len(array), dtype=kind).tobytes() + array.tobytes()
        if name != "position":
            sizes.append(len(piece))
        data.append(piece)
    return np.array(sizes, dtype=np.uint32).tobytes() + b"".join(data)


def _shard(samples: list[bytes], config: bytes) -> bytes:
    offsets = np.cumsum([0, *map(len, samples)]) + 4 + 4 * (len(samples) + 1) + len(config)
    return b"".join([np.uint32(len(samples)).tobytes(), offsets.astype(np.uint32).tobytes(), config, *samples])
