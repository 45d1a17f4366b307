"""What a test of reliability puts into every Python process that it starts, through PYTHONPATH: faults at named places.

KILL_WORKERS=FOLDER: the first worker that runs a piece of a stage is killed at it, once a stage; a file of the stage's name in the
folder says so. SLOW_WORKER=FOLDER: the first worker that runs a piece waits before each of its own; ``slow`` in the folder has a byte
for each. SECONDS_A_PIECE=N: every piece takes so much longer. BLOCK_BITS=N: documents a block of the global steps, 2^N, so that few documents make many ranges.

Every point where ``curation.storage`` changes what is stored is counted: a file opened to write, half of what is written to it, its
sync, its renaming, a table or the footer of a Parquet file, half of a tree that is removed. COUNT_WRITES=FILE leaves their number at
the end, KINDS_OF_WRITES=FILE what reached each: the lines of ours that were under way; DIE_AT=K kills the process at the K-th; STOP_AT=K sends it SIGNAL; FULL_FROM=K has every one from the K-th on fail, as on a
full disk.

Every read of a file, Parquet or other, is counted too: COUNT_READS=FILE leaves their number, and the EIO_AT=K-th fails, as on a
disk with a bad sector that is read at the second try.

PUBLISH_FIRST=1 is no fault of a machine but of ours, which the tests must notice: the manifest comes before the shards.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


def _kill_workers(module: Any) -> None:
    run_piece = module.run_piece

    def dying(stage: Any, work: Any, piece: int) -> Any:
        # Dask's and Prefect's workers are children of multiprocessing; Ray's have a program of their own.
        if multiprocessing.parent_process() is not None or any("default_worker" in one for one in sys.orig_argv):
            try:
                os.close(os.open(os.path.join(os.environ["KILL_WORKERS"], stage.name), os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        return run_piece(stage, work, piece)

    module.run_piece = dying


def _slow_worker(module: Any) -> None:
    run_piece, folder = module.run_piece, os.environ["SLOW_WORKER"]

    def waiting(stage: Any, work: Any, piece: int) -> Any:
        # Tasks may be sent by value: what they remember in a variable, the next does not know.
        with contextlib.suppress(FileExistsError), open(os.path.join(folder, "worker"), "x") as mark:
            mark.write(str(os.getpid()))
        with open(os.path.join(folder, "worker")) as mark:
            mine = mark.read() == str(os.getpid())
        if mine:
            with open(os.path.join(folder, "slow"), "ab") as pieces:
                pieces.write(b".")
            time.sleep(1)
        return run_piece(stage, work, piece)

    module.run_piece = waiting


def _slow_pieces(module: Any) -> None:
    run_piece = module.run_piece

    def waiting(stage: Any, work: Any, piece: int) -> Any:
        time.sleep(float(os.environ["SECONDS_A_PIECE"]))
        return run_piece(stage, work, piece)

    module.run_piece = waiting


def _block_bits(module: Any) -> None:
    module.BLOCK_BITS = int(os.environ["BLOCK_BITS"])


def _under_way() -> str:
    """The functions of ours that led here, with their lines, the innermost first."""
    frame, found = sys._getframe(2), []
    while frame is not None and len(found) < 4:
        path = frame.f_code.co_filename
        if f"{os.sep}curation{os.sep}" in path or f"{os.sep}flows{os.sep}" in path:
            found.append(f"{os.path.basename(path)}:{frame.f_code.co_name}:{frame.f_lineno}")
        frame = frame.f_back
    return " ".join(found)


class _Points:
    """Counts the points, from all threads, and has the fault happen at its own."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()
        self.die_at = int(os.environ.get("DIE_AT", 0))
        self.full_from = int(os.environ.get("FULL_FROM", 0))
        self.stop_at = int(os.environ.get("STOP_AT", 0))
        self.kinds: list[str] | None = [] if "KINDS_OF_WRITES" in os.environ else None
        self.states = (
            _States(Path(os.environ["STATES"]), Path(os.environ["WATCHED"])) if "STATES" in os.environ else None
        )

    def reached(self, half: Callable[[], object] = lambda: None) -> bool:
        """A point. half: does half of what would be done there, where that can be; whether it was done, and the rest is to follow."""
        with self.lock:
            self.count += 1
            count = self.count
            if self.kinds is not None:
                self.kinds.append(_under_way())
            if self.states is not None:
                half()
                self.states.keep()
        if count == self.die_at:
            half()
            os.kill(os.getpid(), signal.SIGKILL)
        if count == self.stop_at:
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))
        if self.full_from and count >= self.full_from:
            half()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.states is not None


POINTS: list[_Points] = []
"""Of this process, for who tells it to fail at another place each time."""


class _States:
    """What stands in a folder at each point: its files by the digest of their content, each content once."""

    def __init__(self, kept: Path, watched: Path):
        self.kept, self.watched = kept, watched
        self.known: dict[tuple[int, int, int], str] = {}
        (kept / "contents").mkdir(parents=True)
        self.states = (kept / "states.jsonl").open("w")

    def keep(self) -> None:
        files, folders = {}, []
        for place, inside, names in os.walk(self.watched):
            folders += [os.path.relpath(os.path.join(place, name), self.watched) for name in inside]
            for name in names:
                path = os.path.join(place, name)
                files[os.path.relpath(path, self.watched)] = self._content(path)
        self.states.write(json.dumps({"files": files, "folders": folders}) + "\n")
        self.states.flush()

    def _content(self, path: str) -> str:
        found = os.stat(path)
        # The clock of a file system ticks some times a hundredth of a second: what is younger may change within a tick.
        key, old = (found.st_ino, found.st_mtime_ns, found.st_size), time.time() - found.st_mtime > 0.1
        if old and key in self.known:
            return self.known[key]
        content = Path(path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if not (self.kept / "contents" / digest).exists():
            (self.kept / "contents" / digest).write_bytes(content)
        if old:
            self.known[key] = digest
        return digest


class _Stream:
    """A file to write to, each write of which is a point."""

    def __init__(self, stream: Any, points: _Points):
        self._stream, self._points = stream, points

    def write(self, data: Any) -> int:
        whole = memoryview(data).cast("B")
        half = len(whole) // 2
        begun = self._points.reached(lambda: (self._stream.write(whole[:half]), self._stream.flush()))
        self._stream.write(whole[half:] if begun else whole)
        return len(whole)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Os:
    """The module os with points where files are synced, renamed or removed."""

    def __init__(self, points: _Points):
        self._points = points

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if name not in ("fsync", "replace", "makedirs"):
            return found

        def counted(*arguments: Any, **named: Any) -> Any:
            self._points.reached()
            return found(*arguments, **named)

        return counted


def _write_points(module: Any) -> None:
    points = _Points()
    POINTS.append(points)
    opened, tree, removed = module.open_write, module.delete_tree, module.delete
    writer = module.pq.ParquetWriter

    def open_(path: str, mode: str = "r", **options: Any) -> Any:
        if "w" not in mode:
            return open(path, mode, **options)
        points.reached()
        return _Stream(open(path, mode, **options), points)

    def open_write(url: str) -> Any:
        points.reached()
        return _Stream(opened(url), points)

    def delete(url: str) -> None:
        points.reached()
        removed(url)

    def delete_tree(url: str) -> None:
        def half() -> None:
            files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(url) for name in names)
            for path in files[::2]:
                os.unlink(path)

        points.reached(half)
        tree(url)

    class Writer(writer):  # type: ignore[misc, valid-type]
        def write_table(self, *arguments: Any, **named: Any) -> None:
            points.reached()
            super().write_table(*arguments, **named)

        def close(self) -> None:
            if self.is_open:
                points.reached()
            super().close()

    class Parquet:
        ParquetWriter = Writer

        def __getattr__(self, name: str) -> Any:
            return getattr(pq, name)

    pq = module.pq
    module.open, module.open_write, module.delete, module.delete_tree = open_, open_write, delete, delete_tree
    module.os, module.pq = _Os(points), Parquet()
    if points.kinds is not None:
        atexit.register(lambda: Path(os.environ["KINDS_OF_WRITES"]).write_text("\n".join(points.kinds or ())))
    if "COUNT_WRITES" in os.environ:
        atexit.register(lambda: Path(os.environ["COUNT_WRITES"]).write_text(str(points.count)))


class _ReadStream:
    """A file to read from, each read of which is counted; one fails."""

    lock, count = threading.Lock(), 0

    def __init__(self, stream: Any):
        self._stream = stream

    def read(self, size: int = -1) -> Any:
        with _ReadStream.lock:
            _ReadStream.count += 1
            fails = _ReadStream.count == int(os.environ.get("EIO_AT", 0))
        if fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._stream.read(size)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _read_points(module: Any) -> None:
    opened = module.open_read

    @contextlib.contextmanager
    def open_parquet(url: str, **options: Any) -> Iterator[Any]:
        with open_read(url) as stream, module.LenientParquet(stream, **options) as file:
            yield file

    def open_read(url: str) -> Any:
        return _ReadStream(opened(url))

    module.open_read, module.open_parquet = open_read, open_parquet
    if "COUNT_READS" in os.environ:
        atexit.register(lambda: Path(os.environ["COUNT_READS"]).write_text(str(_ReadStream.count)))


def _publish_first(module: Any) -> None:
    begin = module.Home.begin

    def publishing(home: Any, content_key: str, now: str) -> Any:
        parent = home.latest()
        name = begin(home, content_key, now)
        if parent is not None:
            plain = home.manifest(parent) | {"release": name}
            module.storage.put(home.path(name, "manifest.json"), module.as_json(plain))
            home.point_latest(name)
        return name

    module.Home.begin = publishing


FAULTS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "KILL_WORKERS": ("curation.releases.work", _kill_workers),
    "SLOW_WORKER": ("curation.releases.work", _slow_worker),
    "SECONDS_A_PIECE": ("curation.releases.work", _slow_pieces),
    "BLOCK_BITS": ("curation.dedup.clusters", _block_bits),
    "COUNT_WRITES": ("curation.storage", _write_points),
    "KINDS_OF_WRITES": ("curation.storage", _write_points),
    "DIE_AT": ("curation.storage", _write_points),
    "STOP_AT": ("curation.storage", _write_points),
    "PUBLISH_FIRST": ("curation.releases.home", _publish_first),
    "FULL_FROM": ("curation.storage", _write_points),
    "STATES": ("curation.storage", _write_points),
    "COUNT_READS": ("curation.storage", _read_points),
    "EIO_AT": ("curation.storage", _read_points),
}


class _Injecting(importlib.abc.MetaPathFinder):
    """Finds a module as the others do, and puts the fault in once it has been imported."""

    def __init__(self, wanted: dict[str, Callable[[Any], None]]):
        self.wanted = wanted

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        fault = self.wanted.pop(name, None)
        if fault is None:
            return None
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def then_fault(module: ModuleType) -> None:
            execute(module)
            fault(module)

        spec.loader.exec_module = then_fault  # type: ignore[method-assign]
        return spec


if wanted := {module: fault for name, (module, fault) in FAULTS.items() if name in os.environ}:
    sys.meta_path.insert(0, _Injecting(wanted))
