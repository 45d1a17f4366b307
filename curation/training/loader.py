"""``ShardDataset``: a release's rows in training order, for any number of ranks and DataLoader workers.

Global batch b holds positions b·G … (b+1)·G − 1 with G = batch_size · world_size; rank r reads positions
b·G + r·batch_size … of it. The last global batch may be short: its ranks share what is left, evenly in order.
What is kept between runs is the next position, so that a state saved under one number of ranks or workers resumes under
another. A DataLoader's worker w of W gives the global batches w, w + W, … counted from where reading began; where that was stands
in its state too, so that each of torchdata's ``StatefulDataLoader`` goes on with its own next batch.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from curation import storage
from curation.releases.home import read_manifest, resolve, texts_of
from curation.training.texts import Texts, row_group_starts

try:
    from torch.utils.data import IterableDataset
    from torch.utils.data import get_worker_info as _worker_info
except ImportError:
    IterableDataset = object
    _worker_info = None

STATE_VERSION = 1
PACKED_MARK = "doc_spans"


class ShardDataset(IterableDataset):
    """Batches of a release in training order: lists of row dicts, or dicts of tensors for packed rows.

    Args:
        path: A release's folder, one of a swarm's runs, or a recipe's folder (its latest release, settled when this object is made).
        rank: This process' number among ``world_size``.
        world_size: Processes that read together.
        batch_size: Rows a rank and batch.

    Raises FileNotFoundError where there is no release, ValueError for a rank or size out of range.
    """

    def __init__(self, path: str, rank: int = 0, world_size: int = 1, batch_size: int = 1):
        if world_size < 1 or batch_size < 1:
            raise ValueError(f"world_size and batch_size must be at least 1, got {world_size} and {batch_size}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must be in 0 … {world_size - 1}, got {rank}")
        self.release = resolve(str(path))
        manifest = read_manifest(self.release)
        self.rank, self.world_size, self.batch_size = rank, world_size, batch_size
        self._name: str = manifest["release"]
        self._shards = [(int(s["first_position"]), s["path"]) for s in manifest["shards"]]
        self._rows = sum(int(s["rows"]) for s in manifest["shards"])
        self._texts = texts_of(self.release) if "texts" in manifest else None
        if self._texts is not None:
            read_manifest(self._texts)  # without it the swarm is not whole
        self._position = self._began = 0

    def __len__(self) -> int:
        """Batches of a whole pass, the same for every rank."""
        return -(-self._rows // (self.batch_size * self.world_size))

    def state_dict(self) -> dict[str, Any]:
        """Where reading stands: the position after the last batch that was given.

        With workers of a plain DataLoader each has its own copy; save ``state_after(batches)`` there. torchdata's
        ``StatefulDataLoader`` asks each of its workers, and resumes under the same number of them.
        """
        state = self._state(self._position)
        worker = _worker_info() if _worker_info is not None else None
        return state if worker is None else {**state, "began": self._began}

    def state_after(self, batches: int) -> dict[str, Any]:
        """The state after ``batches`` more batches were trained on, counted from where reading began."""
        position = min(self._position + batches * self.batch_size * self.world_size, self._rows)
        return self._state(position)

    def _state(self, position: int) -> dict[str, Any]:
        return {"version": STATE_VERSION, "release": self._name, "position": position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was saved, under whatever number of ranks. Raises ValueError for another release's."""
        if state["release"] != self._name:
            raise ValueError(f"the state is of release {state['release']}, this one is {self._name}")
        self._position = int(state["position"])
        self._began = int(state.get("began", self._position))

    def __iter__(self) -> Iterator[Any]:
        """Batches from the saved position on; after the last one reading begins anew at position 0."""
        info = _worker_info() if _worker_info is not None else None
        worker, workers = (info.id, info.num_workers) if info is not None else (0, 1)
        step = self.batch_size * self.world_size
        reader = _Reader(self.release, self._shards, Texts(self._texts) if self._texts is not None else None)
        start = self._position
        while start < self._rows:
            stop = min(start + step, self._rows)
            first, last = self._part(start, stop)
            if (start - self._began) // step % workers == worker:
                batch = reader.rows(first, last)
                self._position = stop
                yield batch
            start = stop
        self._position = self._began = 0

    def _part(self, start: int, stop: int) -> tuple[int, int]:
        n = stop - start
        if n == self.batch_size * self.world_size:
            return start + self.rank * self.batch_size, start + (self.rank + 1) * self.batch_size
        return start + self.rank * n // self.world_size, start + (self.rank + 1) * n // self.world_size


class _Reader:
    """Rows by position; holds one row group. texts: of a swarm, at which the shards' rows point."""

    def __init__(self, release: str, shards: list[tuple[int, str]], texts: Texts | None):
        self.release, self.shards, self.texts = release, shards, texts
        self.firsts = [first for first, _ in shards]
        self.number = -1
        self.starts: list[int] = []
        self.held: tuple[int, int, pa.Table] | None = None
        self.file: Any = None
        self.opened = contextlib.ExitStack()

    def rows(self, first: int, last: int) -> Any:
        """Positions [first, last): a list of dicts, or tensors for packed rows."""
        parts, at = [], first
        while at < last:
            low, high, table = self._group(at)
            parts.append(table.slice(at - low, min(last, high) - at))
            at = min(last, high)
        table = pa.concat_tables(parts) if parts else None
        if table is None:
            return []
        return _tensors(table) if PACKED_MARK in table.column_names else table.to_pylist()

    def _group(self, position: int) -> tuple[int, int, pa.Table]:
        if self.held is not None and self.held[0] <= position < self.held[1]:
            return self.held
        number = bisect.bisect_right(self.firsts, position) - 1
        if number != self.number:
            self.number = number
            self.opened.close()
            self.file = self.opened.enter_context(
                storage.open_parquet(storage.join(self.release, self.shards[number][1]))
            )
            self.starts = row_group_starts(self.file, self.firsts[number])
        group = bisect.bisect_right(self.starts, position) - 1
        table = self.file.read_row_group(group)
        if self.texts is not None:
            table = self.texts.read(table)
        self.held = (self.starts[group], self.starts[group + 1], table)
        return self.held


def _tensors(table: pa.Table) -> dict[str, Any]:
    """Packed rows: ``input_ids`` and ``loss_mask`` as [rows, length] arrays (torch tensors where installed)."""
    batch: dict[str, Any] = {}
    for name in table.column_names:
        if name in ("input_ids", "loss_mask"):
            column = table[name].combine_chunks()
            values = column.flatten().to_numpy(zero_copy_only=False).reshape(len(table), -1)
            batch[name] = _as_tensor(values)
        else:
            batch[name] = table[name].to_pylist()
    return batch


def _as_tensor(values: Any) -> Any:
    if _worker_info is None:
        return values
    import torch

    return torch.from_numpy(values.copy())
