"""Rows of a release by position, read ahead by a thread, and from a local folder where the release is in an object store."""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import os
import shutil
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation import storage
from curation.training.texts import Texts, row_group_starts

COPIED_AT_ONCE = 8_000_000
SUFFIX = ".parquet"


@dataclass(frozen=True)
class Place:
    """A shard: its first position, its path in the release, its rows, and its bytes where the manifest says them."""

    first: int
    path: str
    rows: int
    bytes: int | None = None


class ShardReader:
    """Rows by position. Holds the row group that is given out and the next one, which is read meanwhile. Close it, or use ``with``.

    texts: the folder of a swarm, at which the shards' rows point. cache: a local folder for shards of an object store, which
    holds ``cache_bytes`` at most beyond the shard that is read; others may use it too.
    """

    def __init__(
        self,
        release: str,
        shards: list[Place],
        *,
        texts: str | None = None,
        cache: str | None = None,
        cache_bytes: int = 0,
    ):
        self.release, self.shards = release, shards
        self.cache = None if cache is None or storage.is_local(release) else ShardCache(cache, cache_bytes)
        self._texts = Texts(texts) if texts is not None else None
        self._firsts = [shard.first for shard in shards]
        self._end = shards[-1].first + shards[-1].rows if shards else 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next: Future[tuple[int, int, pa.Table]] | None = None
        self._held: tuple[int, int, pa.Table] | None = None
        # Of the thread alone:
        self._number = -1
        self._file: Any = None
        self._starts: list[int] = []
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> ShardReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._opened.close()

    def rows(self, first: int, last: int) -> pa.Table:
        """Positions [first, last); an empty table of no columns where there are none."""
        parts, at = [], first
        while at < last:
            low, high, table = self._group(at)
            parts.append(table.slice(at - low, min(last, high) - at))
            at = min(last, high)
        return pa.concat_tables(parts) if parts else pa.table({})

    def _group(self, position: int) -> tuple[int, int, pa.Table]:
        if self._held is None or not self._held[0] <= position < self._held[1]:
            found = self._next.result() if self._next is not None else None
            if found is None or not found[0] <= position < found[1]:  # another rank's rows may be a row group long
                found = self._thread.submit(self._read, position).result()
            self._held = found
            self._next = self._thread.submit(self._read, found[1]) if found[1] < self._end else None
        return self._held

    def _read(self, position: int) -> tuple[int, int, pa.Table]:
        number = bisect.bisect_right(self._firsts, position) - 1
        if number != self._number:
            self._number = -1
            self._opened.close()
            self._file = self._open(self.shards[number])
            self._starts = row_group_starts(self._file, self._firsts[number])
            self._number = number
        group = bisect.bisect_right(self._starts, position) - 1
        table = self._file.read_row_group(group)
        if self._texts is not None:
            table = self._texts.read(table)
        return self._starts[group], self._starts[group + 1], table

    def _open(self, shard: Place) -> Any:
        """The shard's file, which stays open until the next one is. Raises FileNotFoundError, or ValueError where it is not what the manifest says."""
        path = storage.join(self.release, shard.path)
        cure = "put it back from a copy, or run the recipe again; `syllabus verify` says what else is amiss"
        try:
            size = storage.size(path)
        except FileNotFoundError:
            raise FileNotFoundError(f"{path}: the release's shard is not there: {cure}") from None
        if shard.bytes is not None and size != shard.bytes:
            raise ValueError(
                f"{path}: {size} bytes, where the manifest says {shard.bytes}: the release was changed; {cure}"
            )
        if self.cache is not None:
            path = self.cache.copy_of(path, size)
        try:
            file = self._opened.enter_context(storage.open_parquet(path))
        except pa.ArrowException as error:
            raise ValueError(f"{path}: no Parquet file any more ({type(error).__name__}): {cure}") from None
        if file.metadata.num_rows != shard.rows:
            raise ValueError(f"{path}: {file.metadata.num_rows} rows, where the manifest says {shard.rows}: {cure}")
        return file


class ShardCache:
    """Whole copies of shards in a local folder, those read longest ago deleted where there are too many bytes."""

    def __init__(self, folder: str, most: int):
        self.folder, self.most = folder, most
        os.makedirs(folder, exist_ok=True)

    def copy_of(self, url: str, size: int) -> str:
        """The local path of a shard, copied there if it is not."""
        target = os.path.join(self.folder, hashlib.sha256(url.encode()).hexdigest()[:40] + SUFFIX)
        if not (os.path.exists(target) and os.path.getsize(target) == size):
            self._make_room(size)
            part = f"{target}.{uuid.uuid4().hex}"
            try:
                with storage.open_read(url) as source, open(part, "wb") as copy:
                    shutil.copyfileobj(source, copy, COPIED_AT_ONCE)
                os.replace(part, target)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part)
        os.utime(target)
        return target

    def _make_room(self, size: int) -> None:
        kept = []
        for entry in os.scandir(self.folder):
            with contextlib.suppress(FileNotFoundError):
                if entry.name.endswith(SUFFIX):
                    kept.append((entry.stat().st_mtime, entry.path, entry.stat().st_size))
        held = sum(bytes_ for _, _, bytes_ in kept)
        for _, path, bytes_ in sorted(kept):
            if held + size <= self.most:
                return
            with contextlib.suppress(FileNotFoundError):  # another process' loader was quicker
                os.unlink(path)
            held -= bytes_
