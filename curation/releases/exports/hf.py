"""A data set as the Hugging Face hub has it: ``data/train-00000-of-00003.parquet`` … and a card, written last.

The rows are the release's own; ``datasets.load_dataset(FOLDER)`` reads them in order, whole or streaming. Pages are cut by
content, so that a later release uploads little but what changed.
"""

from __future__ import annotations

from itertools import chain, islice

import pyarrow.parquet as pq

from curation import storage
from curation.releases.exports.rows import Rows


def write(rows: Rows, output: str) -> None:
    """A file for each shard of the release."""
    tables = rows.tables()
    for number, path in enumerate(rows.paths):
        with storage.open_parquet(path) as file:
            groups = file.num_row_groups
        name = storage.join(output, "data", f"train-{number:05d}-of-{len(rows.paths):05d}.parquet")
        first = next(tables)
        options = {"compression": "zstd", "use_content_defined_chunking": True}
        with storage.open_write(name) as sink, pq.ParquetWriter(sink, first.schema, **options) as writer:
            for table in chain([first], islice(tables, groups - 1)):
                writer.write_table(table, row_group_size=max(len(table), 1))
    card = [
        "---",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/train-*",
        "---",
        f"# {rows.manifest['recipe']['name']}",
        "",
        f"Release {rows.manifest['release']} of Syllabus: {rows.count:,} rows in training order. Do not shuffle.",
    ]
    storage.put(storage.join(output, "README.md"), "\n".join([*card, ""]).encode())
