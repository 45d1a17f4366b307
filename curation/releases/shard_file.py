"""A shard as it is written: a row group a table, its size and checksum counted on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from schemas.shards import Shards


class ShardFile:
    """A Parquet file at its final name, a row group a table, and its size and sha256. Whole only once it is closed.

    encodings: how columns are encoded, as pyarrow's ParquetWriter takes it."""

    def __init__(self, path: str, shards: Shards, **encodings: Any):
        # Pages are cut by content, so that a store that knows them (the Hugging Face hub's) is sent what changed alone.
        by_content = {"use_content_defined_chunking": True}
        self.path, self.options = path, {"compression": shards.compression, **by_content, **encodings}
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.writer: pq.ParquetWriter | None = None

    def __enter__(self) -> ShardFile:
        self.stream = storage.open_write(self.path)
        return self

    def write(self, table: pa.Table) -> None:
        if self.writer is None:
            self.writer = pq.ParquetWriter(_Hashing(self), table.schema, **self.options)
        self.writer.write_table(table, row_group_size=max(len(table), 1))

    def __exit__(self, *failed: Any) -> None:
        if self.writer is not None:
            self.writer.close()
        self.stream.close()
        storage.sync(self.path)


class _Hashing:
    """A sink that counts and hashes what goes through it."""

    closed = False

    def __init__(self, shard: ShardFile):
        self.shard = shard

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.shard.digest.update(view)
        self.shard.bytes += view.nbytes
        self.shard.stream.write(view)
        return view.nbytes

    def tell(self) -> int:
        return self.shard.bytes

    def flush(self) -> None:
        self.shard.stream.flush()

    def close(self) -> None:
        self.closed = True


def tokens_in(paths: Iterable[str]) -> npt.NDArray[np.int32]:
    """Tokens of each row of these shards, one after the other."""
    found = [np.zeros(0, dtype=np.int32)]
    for path in paths:
        with storage.open_parquet(path) as file:
            found.append(file.read(columns=["tokens"], use_threads=False)["tokens"].to_numpy())
    return np.concatenate(found)
