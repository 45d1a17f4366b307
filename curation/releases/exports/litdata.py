"""LitData's chunks, by its own writer: a sample is a dictionary of text, arrays and, as JSON, all else."""

from __future__ import annotations

import json
import os
from typing import Any

from curation.releases.exports.rows import Rows
from schemas.errors import RecipeError


def write(rows: Rows, output: str) -> None:
    """Chunks of 64 MB, and ``index.json``, written last. Raises RecipeError where litdata is not installed."""
    try:
        from litdata.streaming.writer import BinaryWriter
    except ImportError:
        raise RecipeError("--format", "litdata needs its package: pip install 'syllabus[export]'") from None
    os.makedirs(output, exist_ok=True)
    writer = BinaryWriter(output, chunk_bytes="64MB")
    for number, sample in enumerate(rows.samples()):
        row: dict[str, Any] = {"position": sample.position, **sample.arrays}
        if sample.text is not None:
            row["text"] = sample.text
        row["row"] = json.dumps(sample.rest, ensure_ascii=False)
        writer[number] = row
    writer.done()
    writer.merge()
