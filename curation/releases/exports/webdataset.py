"""WebDataset's tar files, by its own writer: of each row ``POSITION.json``, its text as ``.txt`` and its arrays as ``.NAME.npy``."""

from __future__ import annotations

import os
from typing import Any

from curation.releases.exports.rows import Rows
from schemas.errors import RecipeError

SHARD_BYTES, SHARD_ROWS = 1 << 28, 100_000


def write(rows: Rows, output: str) -> None:
    """``rows-00000.tar`` …, of 256 MB or 100,000 rows. Raises RecipeError where webdataset is not installed."""
    try:
        import webdataset
    except ImportError:
        raise RecipeError("--format", "webdataset needs its package: pip install 'syllabus[export]'") from None
    os.makedirs(output, exist_ok=True)
    pattern = os.path.join(output.replace("%", "%%"), "rows-%05d.tar")
    # The files' times are 0, so that the same rows give the same bytes.
    with webdataset.ShardWriter(pattern, maxcount=SHARD_ROWS, maxsize=SHARD_BYTES, verbose=0, mtime=0.0) as writer:
        for sample in rows.samples():
            row: dict[str, Any] = {"__key__": f"{sample.position:012d}", "json": sample.rest}
            if sample.text is not None:
                row["txt"] = sample.text
            writer.write(row | {f"{name}.npy": array for name, array in sample.arrays.items()})
