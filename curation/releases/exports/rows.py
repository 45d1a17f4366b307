"""The rows of a release in training order, as tables and as samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.releases.home import read_manifest, resolve, texts_of
from curation.training.texts import Texts

ARRAYS: dict[str, np.dtype[Any]] = {
    "input_ids": np.dtype(np.int32),
    "loss_mask": np.dtype(np.uint8),
    "loss_weight": np.dtype(np.float32),
    "loss_weights": np.dtype(np.float32),
}
"""Columns that are arrays of numbers, and what they hold."""


@dataclass(frozen=True)
class Sample:
    """A row: its position, its text (None for packed rows), its arrays, and all else as plain data."""

    position: int
    text: str | None
    arrays: dict[str, npt.NDArray[Any]]
    rest: dict[str, Any]


class Rows:
    """The rows of a release, or of one of a swarm's runs. Raises FileNotFoundError where there is none."""

    def __init__(self, release: str):
        self.release = resolve(release)
        self.manifest = read_manifest(self.release)
        shards = self.manifest["recipe"]["shards"]
        self.tokenized = shards["tokenizer"] is not None
        self.length: int | None = shards["sequence_length"]
        """Of packed rows."""
        self.paths = [storage.join(self.release, shard["path"]) for shard in self.manifest["shards"]]
        self.count = sum(int(shard["rows"]) for shard in self.manifest["shards"])
        self._texts = Texts(texts_of(self.release)) if "texts" in self.manifest else None

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The row groups, in order."""
        for path in self.paths:
            with storage.open_parquet(path) as file:
                for number in range(file.num_row_groups):
                    if self._texts is None:
                        yield file.read_row_group(number, columns=columns)
                    else:
                        table = self._texts.read(file.read_row_group(number))
                        yield table if columns is None else table.select(columns)

    def largest(self, column: str) -> int | None:
        """The largest number of a column of lists, by the shards' statistics; None where these do not say."""
        found = 0
        for path in self.paths if self._texts is None else ():
            with storage.open_parquet(path) as file:
                for number in range(file.num_row_groups):
                    group = file.metadata.row_group(number)
                    for at in range(group.num_columns):
                        if group.column(at).path_in_schema.split(".")[0] == column:
                            said = group.column(at).statistics
                            if said is None or not said.has_min_max:
                                return None
                            found = max(found, int(said.max))
        return found if self._texts is None else None

    def samples(self) -> Iterator[Sample]:
        """The rows one by one."""
        for table in self.tables():
            arrays = {name: values(table, name) for name in ARRAYS if name in table.column_names}
            plain = table.drop_columns(list(arrays)).to_pylist()
            for number, row in enumerate(plain):
                mine = {name: flat[offsets[number] : offsets[number + 1]] for name, (flat, offsets) in arrays.items()}
                yield Sample(row.pop("position"), row.pop("text", None), mine, row)


def values(table: pa.Table, column: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """A column of lists as its numbers, one list after the other, and where each list begins and the last ends."""
    whole = table[column].combine_chunks()
    sizes = np.asarray(whole.value_lengths(), dtype=np.int64)
    flat = whole.flatten().to_numpy(zero_copy_only=False).astype(ARRAYS[column], copy=False)
    return flat, np.concatenate([[0], np.cumsum(sizes)])
