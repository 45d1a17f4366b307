"""``ShardDataset``: a release's rows in training order, for any number of ranks and DataLoader workers.

Global batch b holds positions b·G … (b+1)·G − 1 with G = batch_size · world_size; rank r reads positions
b·G + r·batch_size … of it. The last global batch may be short: its ranks share what is left, evenly in order.
What is kept between runs is the next position, so that a state saved under one number of ranks or workers resumes under
another. A DataLoader's worker w of W gives the global batches w, w + W, … counted from where reading began; where that was stands
in its state too, so that each of torchdata's ``StatefulDataLoader`` goes on with its own next batch; and what such a loader saved
goes on under another number of ranks or workers, where ``load_state_dict`` of the dataset is given it.

The next row group is read while one is given out. Shards in an object store can be kept in a local folder, up to a size.
Of a local release NumPy and pyarrow are enough to read it; tensors where PyTorch is installed.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curation import storage
from curation.arrays.columns import in_lists, whole
from curation.releases.home import read_manifest, resolve, texts_of
from curation.training.shard_reader import Place, ShardReader

try:
    from torch.utils.data import IterableDataset
    from torch.utils.data import get_worker_info as _worker_info
except ImportError:
    IterableDataset = object
    _worker_info = None

STATE_VERSION = 1
PACKED_MARK = "doc_spans"
LISTS = ("doc_ids", "doc_spans", "doc_offsets")
"""Columns of packed rows that are lists of another length; their other lists hold something for each token."""


@dataclass(frozen=True)
class PhasePlace:
    """A phase as it stands in the release. ``first_step``: null where the recipe's ``trainer`` section says no global batch."""

    name: str
    first_position: int
    rows: int
    tokens: int
    first_step: int | None = None


class ShardDataset(IterableDataset):
    """Batches of a release in training order: lists of row dicts, or dicts of tensors for packed rows.

    Of packed rows ``input_ids`` (int32), ``loss_mask`` (uint8), ``position_ids`` (int32, from 0 in each document, as
    attention within documents wants them) and, where the recipe sets weights, ``loss_weights`` (float32) are [rows, length], as
    are its token columns: [rows, length] or [rows, length, k].

    Args:
        path: A release's folder, one of a swarm's runs, or a recipe's folder (its latest release, settled when this object is made).
        rank: This process' number among ``world_size``.
        world_size: Processes that read together.
        batch_size: Rows a rank and batch.
        tokenizer: The tokenizer that the model has, a file; a release of another one is refused. None: not looked at.
        cache: A local folder where shards of an object store are kept while they are read. None: read from the store.
        cache_bytes: Bytes of shards that it holds at most, beyond the one that is read and the next.

    Attributes:
        release: The release's folder.
        trainer: What ``trainer.json`` says: global batch, where the learning rate may decay, the column of loss weights.
        phases: The phases in training order, with their borders.

    Raises FileNotFoundError where there is no release, ValueError for a rank or size out of range or another tokenizer.
    """

    def __init__(
        self,
        path: str,
        rank: int = 0,
        world_size: int = 1,
        batch_size: int = 1,
        *,
        tokenizer: str | None = None,
        cache: str | None = None,
        cache_bytes: int = 20_000_000_000,
    ):
        if world_size < 1 or batch_size < 1:
            raise ValueError(f"world_size and batch_size must be at least 1, got {world_size} and {batch_size}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must be in 0 … {world_size - 1}, got {rank}")
        self.release = resolve(str(path))
        manifest = read_manifest(self.release)
        self.rank, self.world_size, self.batch_size = rank, world_size, batch_size
        self._name: str = manifest["release"]
        self._shards = [
            Place(int(s["first_position"]), s["path"], int(s["rows"]), s.get("bytes")) for s in manifest["shards"]
        ]
        self._rows = sum(shard.rows for shard in self._shards)
        self._texts = texts_of(self.release) if "texts" in manifest else None
        if self._texts is not None:
            read_manifest(self._texts)  # without it the swarm is not whole
        if tokenizer is not None:
            _check_tokenizer(tokenizer, manifest)
        self._cache, self._cache_bytes = cache, cache_bytes
        self.trainer = _trainer(self.release)
        self.phases = _phases(manifest["shards"], self.trainer)
        self._position = self._began = 0

    def __len__(self) -> int:
        """Batches of a whole pass, the same for every rank."""
        return -(-self._rows // (self.batch_size * self.world_size))

    def phase_at(self, position: int) -> PhasePlace:
        """The phase that a position is of. Raises IndexError for one that there is not."""
        if not 0 <= position < self._rows:
            raise IndexError(f"the release has positions 0 … {self._rows - 1}, not {position}")
        firsts = [phase.first_position for phase in self.phases]
        return self.phases[bisect.bisect_right(firsts, position) - 1]

    def state_dict(self) -> dict[str, Any]:
        """Where reading stands: the position after the last batch that was given.

        With workers of a plain DataLoader each has its own copy; save ``state_after(batches)`` there. torchdata's
        ``StatefulDataLoader`` asks each of its workers, and resumes under the same number of them; what it saved can be given to
        ``load_state_dict`` here, for any number.
        """
        state = self._state(self._position)
        worker = _worker_info() if _worker_info is not None else None
        step = self.batch_size * self.world_size
        return state if worker is None else {**state, "began": self._began, "global_batch": step}

    def state_after(self, batches: int) -> dict[str, Any]:
        """The state after ``batches`` more batches were trained on, counted from where reading began."""
        position = min(self._position + batches * self.batch_size * self.world_size, self._rows)
        return self._state(position)

    def _state(self, position: int) -> dict[str, Any]:
        return {"version": STATE_VERSION, "release": self._name, "position": position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was saved, under whatever number of ranks and workers; that of a ``StatefulDataLoader`` too.

        Raises ValueError for another release's state, and for what is none.
        """
        own = _own_state(state)
        if own is None:
            raise ValueError("this is no state of a ShardDataset, nor of a StatefulDataLoader over one")
        if own["release"] != self._name:
            raise ValueError(
                f"the state is of release {own['release']}, this one is {self._name}: open that one by its own folder to go on with "
                "it, or begin this one without a state"
            )
        if own.get("version", STATE_VERSION) > STATE_VERSION:
            raise ValueError(f"the state is of version {own['version']}, a later Syllabus than this one's: update it")
        self._position = min(int(own["position"]), self._rows)
        self._began = int(own.get("began", self._position))

    def __iter__(self) -> Iterator[Any]:
        """Batches from the saved position on; after the last one reading begins anew at position 0.

        Raises FileNotFoundError for a shard that is gone, ValueError for one that is not what the manifest says.
        """
        info = _worker_info() if _worker_info is not None else None
        worker, workers = (info.id, info.num_workers) if info is not None else (0, 1)
        step = self.batch_size * self.world_size
        with ShardReader(
            self.release, self._shards, texts=self._texts, cache=self._cache, cache_bytes=self._cache_bytes
        ) as reader:
            start = self._position
            while start < self._rows:
                stop = min(start + step, self._rows)
                first, last = self._part(start, stop)
                if (start - self._began) // step % workers == worker:
                    batch = _batch(reader.rows(first, last))
                    self._position = stop
                    yield batch
                start = stop
        self._position = self._began = 0

    def _part(self, start: int, stop: int) -> tuple[int, int]:
        n = stop - start
        if n == self.batch_size * self.world_size:
            return start + self.rank * self.batch_size, start + (self.rank + 1) * self.batch_size
        return start + self.rank * n // self.world_size, start + (self.rank + 1) * n // self.world_size


def _own_state(state: dict[str, Any]) -> dict[str, Any] | None:
    """The state of the dataset itself, of its own state or of a ``StatefulDataLoader``'s: without workers it stands in it, with
    workers the batches are counted by the loader. None where there is none."""
    if "position" in state and "release" in state:
        return state
    if isinstance(state.get("dataset_state"), dict):
        return _own_state(state["dataset_state"])
    snapshot = state.get("_snapshot")
    if not isinstance(snapshot, dict):
        return None
    workers = [one.get("dataset_state") for one in snapshot.get("_worker_snapshots", {}).values()]
    first = next((one for one in workers if isinstance(one, dict) and "global_batch" in one), None)
    if first is None:
        return None
    batches = int(snapshot.get("_snapshot_step", 0)) + int(state.get("_steps_since_snapshot", 0))
    return {
        "version": first["version"],
        "release": first["release"],
        "position": int(first["began"]) + batches * int(first["global_batch"]),
    }


def _trainer(release: str) -> dict[str, Any]:
    """What ``trainer.json`` says; nothing of a release that is older than it."""
    path = storage.join(release, "trainer.json")
    if not storage.exists(path):
        return {}
    plain = json.loads(storage.read_bytes(path))
    return plain if isinstance(plain, dict) else {}


def _phases(shards: list[dict[str, Any]], trainer: dict[str, Any]) -> list[PhasePlace]:
    """Runs of shards of one phase, with the steps that ``trainer.json`` has."""
    steps = {phase["name"]: phase.get("first_step") for phase in trainer.get("phases", [])}
    made: list[PhasePlace] = []
    for shard in shards:
        name, rows, tokens = shard.get("phase", ""), int(shard["rows"]), int(shard.get("tokens", 0))
        if made and made[-1].name == name:
            before = made.pop()
            made.append(
                PhasePlace(name, before.first_position, before.rows + rows, before.tokens + tokens, before.first_step)
            )
        else:
            made.append(PhasePlace(name, int(shard["first_position"]), rows, tokens, steps.get(name)))
    return made


def _check_tokenizer(path: str, manifest: dict[str, Any]) -> None:
    known = {file["sha256"] for file in manifest.get("side_files", []) if file["used_by"] == "shards.tokenizer"}
    inside = storage.join(path, "tokenizer.json")
    found = storage.sha256(inside if storage.exists(inside) else path)
    if not known:
        raise ValueError("the release has no tokens: set shards.tokenizer in its recipe, or give no tokenizer here")
    if found not in known:
        named = manifest["recipe"]["shards"]["tokenizer"]
        raise ValueError(f"the release's tokens are of {named}, which differs from {path}: its ids mean other tokens")


def _batch(table: pa.Table) -> Any:
    """A list of row dicts; of packed rows a dict of arrays [rows, length] (torch tensors where installed) and of lists."""
    if PACKED_MARK not in table.column_names:
        return table.to_pylist()
    batch: dict[str, Any] = {}
    table = table.combine_chunks()
    for name in table.column_names:
        if pa.types.is_list(table[name].type) and name not in LISTS:
            flat = in_lists(whole(table[name]))
            batch[name] = _as_tensor(flat.reshape(len(table), len(flat) // max(len(table), 1), *flat.shape[1:]))
        else:
            batch[name] = table[name].to_pylist()
    batch["position_ids"] = _as_tensor(_position_ids(table, batch["input_ids"].shape))
    return batch


def _position_ids(table: pa.Table, shape: tuple[int, int]) -> Any:
    """int32[rows, length]: the place of each token in its span, what is filled up as a span of its own."""
    made = np.arange(shape[1], dtype=np.int32) - np.zeros((shape[0], 1), dtype=np.int32)
    if not shape[0]:
        return made
    spans = table[PACKED_MARK].chunk(0)
    rows = np.repeat(np.arange(shape[0]), np.asarray(spans.value_lengths()))
    flat = spans.flatten()
    starts, ends = (np.asarray(flat.field(name), dtype=np.int64) for name in ("start", "end"))
    begins = np.zeros((shape[0], shape[1] + 1), dtype=np.int32)
    begins[rows, starts] = starts
    begins[rows, ends] = np.maximum(begins[rows, ends], ends)
    return made - np.maximum.accumulate(begins[:, :-1], axis=1)


def _as_tensor(values: Any) -> Any:
    """A tensor of an array; one that belongs to Arrow, and may not be written to, is copied, all rows at once."""
    if _worker_info is None:
        return values
    import torch

    return torch.from_numpy(values if values.flags.writeable else values.copy())
