"""The texts of a swarm, by their positions: what its runs point at."""

from __future__ import annotations

import itertools
from collections import OrderedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.releases.home import read_manifest

HELD = 4
"""Row groups that are kept: one a pass that a run makes over the texts."""
OWN = ("position", "phase", "epoch")
"""Columns that a run has of its own."""


def row_group_starts(file: pq.ParquetFile, first: int) -> list[int]:
    """Where each row group of a shard begins, counted from ``first``, and where the last ends."""
    sizes = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
    return list(itertools.accumulate(sizes, initial=first))


class Texts:
    """Rows of a swarm's shards. Raises FileNotFoundError where the swarm is not there, or not whole."""

    def __init__(self, folder: str):
        self.folder = folder
        manifest = read_manifest(folder)
        self.paths = [shard["path"] for shard in manifest["shards"]]
        self.firsts = np.array([shard["first_position"] for shard in manifest["shards"]], dtype=np.int64)
        self.rows = sum(int(shard["rows"]) for shard in manifest["shards"])
        self._starts: dict[int, npt.NDArray[np.int64]] = {}
        self._held: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()

    def read(self, references: pa.Table) -> pa.Table:
        """What a run's rows, the REFERENCES table, come to: the columns of an ordinary shard, in the run's order."""
        rows = references["row"].to_numpy()
        order = np.argsort(rows, kind="stable")
        parts = []
        shards = np.searchsorted(self.firsts, rows[order], side="right") - 1
        for shard in np.unique(shards).tolist():
            mine = rows[order][shards == shard]
            starts = self._row_groups(shard)
            groups = np.searchsorted(starts, mine, side="right") - 1
            for group in np.unique(groups).tolist():
                wanted = mine[groups == group] - starts[group]
                parts.append(self._group(shard, group).take(pa.array(wanted)))
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        table = pa.concat_tables(parts).take(pa.array(back))
        for number, name in enumerate(OWN):
            table = table.set_column(number, references.schema.field(name), references[name])
        return table

    def _row_groups(self, shard: int) -> npt.NDArray[np.int64]:
        """The position at which each row group of a shard begins."""
        if shard not in self._starts:
            with storage.open_parquet(storage.join(self.folder, self.paths[shard])) as file:
                self._starts[shard] = np.array(row_group_starts(file, int(self.firsts[shard]))[:-1], dtype=np.int64)
        return self._starts[shard]

    def _group(self, shard: int, group: int) -> pa.Table:
        key = (shard, group)
        if key in self._held:
            self._held.move_to_end(key)
        else:
            with storage.open_parquet(storage.join(self.folder, self.paths[shard])) as file:
                self._held[key] = file.read_row_group(group)
            if len(self._held) > HELD:
                self._held.popitem(last=False)
        return self._held[key]
