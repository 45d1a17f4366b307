"""A release's rows in order, in the formats of other trainers. One file a format; ``FORMATS`` is the registry.

A format whose library is kept and can be installed beside the pinned packages is written by that library (``litdata``,
``webdataset``); the others are a header and arrays, and are written here: ``mosaicml-streaming`` (0.13) asks for NumPy below 2.2,
``megatron-core``'s builder keeps a Python list of every document. Each is read back by its own reader in the tests. All are
streamed; the file without which the reader finds nothing is written last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from curation import storage
from curation.releases.exports import hf, litdata, mds, megatron, npy, webdataset
from curation.releases.exports.rows import Rows
from schemas.errors import RecipeError

FORMATS: dict[str, Callable[[Rows, str], None]] = {
    "megatron": megatron.write,
    "mds": mds.write,
    "litdata": litdata.write,
    "webdataset": webdataset.write,
    "npy": npy.write,
    "hf": hf.write,
}
"""(rows, output folder) to files there."""
NEED_TOKENS = ("megatron", "npy")
LOCAL = ("litdata", "webdataset")
"""Formats whose library writes local files only."""


@dataclass(frozen=True)
class Exported:
    """What was written, and where."""

    format: str
    output: str
    rows: int
    files: int
    bytes: int


def export(release: str, format: str, output: str) -> Exported:
    """Write the rows of a release, or of one of a swarm's runs, to a folder. Raises RecipeError for what cannot be."""
    if format not in FORMATS:
        raise RecipeError("--format", f"{format!r} is none of {', '.join(FORMATS)}")
    if format in LOCAL and not storage.is_local(output):
        raise RecipeError("--output", f"{format} is written by its own library, to a local folder; copy it afterwards")
    if storage.exists(output) and storage.glob(storage.join(output, "*")):
        raise RecipeError("--output", f"{output!r} is not empty; name another folder, or empty it")
    rows = Rows(release)
    if format in NEED_TOKENS and not rows.tokenized:
        raise RecipeError("--format", f"{format} holds token ids, and this release has none: set shards.tokenizer")
    FORMATS[format](rows, output)
    files = [info for info in storage.glob(storage.join(output, "**", "*")) if info.kind == "file"]
    return Exported(format, output, rows.count, len(files), sum(info.bytes for info in files))
