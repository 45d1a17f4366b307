"""The only place that deals with paths: local files and object stores through one layer, fsspec.

A path is a local one (relative to the working directory, or ``file://``) or a URL with a protocol that fsspec knows
(``s3://``, ``gs://``, ``az://``, ``memory://``). Credentials and endpoints come from the environment, as each store's
own library reads them (for S3: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_PROFILE``,
``AWS_ENDPOINT_URL``) or from fsspec's (``FSSPEC_S3_…``); never from a recipe.
"""

from __future__ import annotations

import errno
import glob as _glob
import hashlib
import json
import os
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from curation.allowed_roots import OutsideRoots, refusal
from schemas.errors import StorageError

BLOCK_BYTES = 4 << 20
"""Bytes of one sequential read."""
TEMPORARY = re.compile(r"^\..{1,100}\.[0-9a-f]{32}\.tmp$", re.DOTALL)
READERS = 4
"""Files that are read at once, at least."""
T = TypeVar("T")
R = TypeVar("R")

_PROTOCOL = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LOCAL = ("file", "local")
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
"""The extra that each object store needs."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file (or whatever else a glob found): ``kind`` is file, directory or, for what is neither, other. ``stamp`` changes when
    the content may have: ETag, or times."""

    path: str
    url: str
    bytes: int
    stamp: str
    kind: str


# Where a path leads


def is_local(url: str) -> bool:
    """Whether the path is on this machine's file system."""
    match = _PROTOCOL.match(url)
    return match is None or match[1].lower() in _LOCAL


@lru_cache(maxsize=64)
def _filesystem(protocol: str) -> Any:
    """None for local files where fsspec is not installed: reading needs none of it."""
    try:
        import fsspec

        if protocol in _LOCAL:
            return fsspec.filesystem("file", auto_mkdir=True)
        # A listing that is remembered hides what other processes wrote meanwhile.
        return fsspec.filesystem(protocol, use_listings_cache=False, skip_instance_cache=True)
    except ImportError:
        if protocol in _LOCAL:
            return None
        extra = EXTRAS.get(protocol)
        cure = f"pip install 'syllabus[{extra}]'" if extra else "install the package that fsspec names for it"
        raise StorageError(f"{protocol}:// needs a package that is not installed: {cure}") from None
    except ValueError as error:
        known = ", ".join(f"{p}://" for p in EXTRAS)
        why = f"is no store that fsspec knows; write a local path or {known}"
        if protocol in EXTRAS:  # Azure's, without an account
            why = f"is not to be reached: {error}; account and credentials come from the environment"
        raise StorageError(f"{protocol}:// {why}") from None


def reconnect() -> None:
    """From now on, ask stores with the credentials that the environment has now."""
    _filesystem.cache_clear()


def resolve(url: str) -> tuple[Any, str]:
    """The file system of a path and the path inside it (absolute). Raises OutsideRoots where it may not be opened."""
    match = _PROTOCOL.match(url)
    local = None
    if match is None:
        local = os.path.abspath(os.path.expanduser(url))
    elif match[1].lower() in _LOCAL:
        local = os.path.abspath(url[match.end() :])
    if (why := refusal(url, local)) is not None:
        raise OutsideRoots(errno.EACCES, why, url)
    if local is not None:
        return _filesystem("file"), local
    assert match is not None
    fs = _filesystem(match[1].lower())
    return fs, fs._strip_protocol(url)


def absolute(url: str) -> str:
    """The same place, whatever the working directory of who asks: an absolute path, or the URL itself."""
    return resolve(url)[1] if is_local(url) else url


def join(folder: str, *parts: str) -> str:
    """A path below a folder."""
    return (folder if folder.endswith("/") else folder + "/") + "/".join(part.strip("/") for part in parts)


def name(url: str) -> str:
    """The last part of a path."""
    return url.rstrip("/").rsplit("/", 1)[-1]


def parent(url: str) -> str:
    """The folder that a path is in."""
    return url.rstrip("/").rsplit("/", 1)[0]


# Looking


def glob(pattern: str) -> list[FileInfo]:
    """All that matches a glob, folders too, sorted by path; hidden files and folders only where the glob names them.

    A path that exists just as it is written is taken so, whatever brackets stand in it. ``path`` is how it is shown
    (relative where the pattern is), ``url`` how it is opened from anywhere.
    """
    fs, inside = resolve(pattern)
    local = is_local(pattern)
    if fs.exists(inside):
        found = {inside: fs.info(inside)}
    elif not _glob.has_magic(pattern):
        return []
    else:
        if local:  # what stands before the pattern is no pattern
            plain = re.sub(r"^(file|local)://", "", os.path.expanduser(pattern), flags=re.IGNORECASE)
            inside = plain if plain.startswith("/") else join(_glob.escape(os.getcwd()), plain)
        found = fs.glob(inside, detail=True)
    relative = local and not _PROTOCOL.match(pattern) and not pattern.startswith(("/", "~"))
    hidden = _is_hidden(pattern)
    infos = []
    for where, info in found.items():
        if local:
            path, url = (os.path.relpath(where) if relative else where), where
        else:
            path = url = fs.unstrip_protocol(where)
        if not hidden and _is_hidden(path):
            continue
        if local and (info.get("islink") or info["type"] not in ("file", "directory")):
            info = _followed(where)
        infos.append(FileInfo(path, url, int(info.get("size") or 0), _stamp(info), info["type"]))
    return sorted(infos, key=lambda info: info.path)


def _followed(path: str) -> dict[str, Any]:
    """What a link leads to, as fsspec would tell of it; ``other`` for a pipe, a device, a link that leads nowhere."""
    if not (os.path.isfile(path) or os.path.isdir(path)):
        return {"type": "other"}
    there = os.stat(path)
    kind = "file" if os.path.isfile(path) else "directory"
    return {
        "type": kind,
        "size": there.st_size,
        "mtime": there.st_mtime,
        "created": there.st_ctime,
        "ino": there.st_ino,
    }


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in path.split("/"))


def _stamp(info: dict[str, Any]) -> str:
    for key in ("ETag", "etag", "md5Hash", "content_md5"):
        if info.get(key):
            return str(info[key]).strip('"')
    times = [info.get(key) for key in ("mtime", "created", "LastModified", "updated", "last_modified", "ino")]
    return "/".join(str(time) for time in times if time is not None)


def exists(url: str) -> bool:
    """Whether there is a file or folder."""
    fs, path = resolve(url)
    return bool(os.path.exists(path) if fs is None else fs.exists(path))


def stamp(url: str) -> str:
    """What changes when a file is written anew: its checksum where the store has one, else its times."""
    fs, path = resolve(url)
    return _stamp(fs.info(os.path.realpath(path) if is_local(url) else path))


def modified(url: str) -> datetime | None:
    """When a file was written, in UTC; None where its store does not say."""
    fs, path = resolve(url)
    try:
        found: datetime = fs.modified(path)
    except (NotImplementedError, FileNotFoundError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def size(url: str) -> int:
    """Bytes of a file. Raises FileNotFoundError."""
    fs, path = resolve(url)
    return int(os.path.getsize(path) if fs is None else fs.size(path))


def list_folder(url: str) -> list[str]:
    """Names of what is in a folder, sorted, but for what a ``put`` that was killed has left; none where it does not exist."""
    fs, path = resolve(url)
    try:
        names = [name(entry) for entry in fs.ls(path, detail=False)]
    except FileNotFoundError:
        return []
    return sorted(one for one in names if one != name(path) and not TEMPORARY.match(one))


def sweep(url: str, seconds: float = 0.0) -> None:
    """Remove what killed ``put``s have left in a folder and below it. seconds: only what is as old as that; another run may be
    writing the rest. Object stores have none."""
    if not is_local(url):
        return
    for folder, _, names in os.walk(resolve(url)[1]):
        for path in (os.path.join(folder, one) for one in names if TEMPORARY.match(one)):
            with suppress(OSError):
                if time.time() - os.stat(path).st_mtime >= seconds:
                    os.unlink(path)


def sha256(url: str) -> str:
    """Checksum of a file's bytes, 64 hex digits."""
    digest = hashlib.sha256()
    for block in blocks(url):
        digest.update(block)
    return digest.hexdigest()


def checksum(url: str) -> str:
    """BLAKE3 of a file's bytes, its first 128 bits, 32 hex digits: for our own work files, four times as quick as sha256."""
    from blake3 import blake3

    digest = blake3()
    for block in blocks(url):
        digest.update(block)
    return digest.hexdigest(16)


def is_intact(url: str, bytes_: int, digest: str) -> bool:
    """Whether a file is there with the size and the ``checksum`` that it was written with."""
    return exists(url) and size(url) == bytes_ and checksum(url) == digest


# Reading and writing


def open_read(url: str) -> IO[bytes]:
    """A file to read bytes from, seekable; close it."""
    fs, path = resolve(url)
    if is_local(url):
        return open(path, "rb")
    return fs.open(path, "rb", block_size=BLOCK_BYTES)


def open_write(url: str) -> IO[bytes]:
    """A file to write bytes to, at its final name; its folder is made. Whole only once it is closed."""
    fs, path = resolve(url)
    return fs.open(path, "wb")


def sync(url: str) -> None:
    """Have a file that was written and closed outlast a crash of the machine; object stores see to that themselves."""
    if not is_local(url):
        return
    path = resolve(url)[1]
    for place in (path, os.path.dirname(path)):
        _sync(place)


def copy(source: str, target: str) -> None:
    """A file again, elsewhere."""
    put(target, read_bytes(source))


def blocks(url: str, start: int = 0) -> Iterator[bytes]:
    """The bytes of a file from ``start`` on, a few MB at a time."""
    with open_read(url) as stream:
        if start:
            stream.seek(start)
        while block := stream.read(BLOCK_BYTES):
            yield block


def read_bytes(url: str) -> bytes:
    """A small file whole."""
    with open_read(url) as stream:
        return stream.read()


def read_range(url: str, start: int, stop: int) -> bytes:
    """The bytes [start, stop) of a file, in one request."""
    fs, path = resolve(url)
    found: bytes = fs.cat_file(path, start=start, end=stop)
    return found


def read_json(url: str) -> Any:
    """A small JSON file's content; None where there is none, or it is damaged: our own notes are made again."""
    try:
        return json.loads(read_bytes(url))
    except (FileNotFoundError, ValueError):
        return None


def put(url: str, data: bytes | memoryview | pa.Buffer) -> None:
    """Write a file whole, atomically: readers see the old one or the new one, also after a crash.

    Object stores put whole objects; on local disks a temporary file beside it is synced and renamed over it.
    """
    fs, path = resolve(url)
    if not is_local(url):
        fs.pipe_file(path, bytes(data))
        return
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".{os.path.basename(path)[:100]}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _sync(folder)


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_table(url: str, table: pa.Table, compression: str = "zstd", *, row_group: int | None = None) -> None:
    """A table that is held anyway as Parquet, in one put. row_group: rows of one."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=compression, row_group_size=row_group)
    put(url, sink.getvalue())


def put_arrow(url: str, table: pa.Table) -> None:
    """A table as an Arrow file, with its schema to the letter, in one put."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    put(url, sink.getvalue())


def put_batches(url: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Record batches as an Arrow file, written as they come: whole once this returns."""
    with open_write(url) as stream, pa.ipc.new_file(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_batches(url: str) -> Iterator[pa.RecordBatch]:
    """The record batches of an Arrow file, one at a time."""
    with open_read(url) as stream:
        file = pa.ipc.open_file(stream)
        for number in range(file.num_record_batches):
            yield file.get_batch(number)


def read_arrow(url: str) -> pa.Table:
    """An Arrow file whole."""
    with open_read(url) as stream:
        return pa.ipc.open_file(stream).read_all()


def delete(url: str) -> None:
    """Remove a file; nothing where there is none."""
    fs, path = resolve(url)
    if fs.exists(path):
        fs.rm_file(path)


def delete_tree(url: str) -> None:
    """Remove a folder and all in it; nothing where there is none."""
    fs, path = resolve(url)
    if fs.exists(path):
        fs.rm(path, recursive=True)


class LenientParquet(pq.ParquetFile):
    """A file whose columns need not all have names in UTF-8: those that have none cannot be asked for."""

    def _build_nested_paths(self) -> dict[str, list[int]]:
        places: defaultdict[str, list[int]] = defaultdict(list)
        for number in range(self.metadata.num_columns):
            try:
                path = self.metadata.schema.column(number).path
            except UnicodeDecodeError:
                continue
            for name in accumulate(path.split("."), "{}.{}".format):
                places[name].append(number)
        return places


@contextmanager
def open_parquet(url: str, **options: Any) -> Iterator[pq.ParquetFile]:
    """A Parquet file to read from; local ones with pyarrow's own file access. Options go to ``ParquetFile``."""
    if is_local(url):
        with LenientParquet(resolve(url)[1], **options) as file:
            yield file
        return
    fs, path = resolve(url)
    # Column chunks are read from several places in turn: a read-ahead cache would only be thrown away.
    with fs.open(path, "rb", cache_type="none") as stream, LenientParquet(stream, **options) as file:
        yield file


def row_groups(url: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """A Parquet file, a row group at a time. columns: None is all."""
    with open_parquet(url) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=columns, use_threads=False)


def chosen_rows(
    url: str, rows: npt.NDArray[np.int64], columns: list[str] | None = None, **options: Any
) -> Iterator[tuple[npt.NDArray[np.int64], pa.Table]]:
    """Rows of a Parquet file, sorted ones, by their numbers: these and their table, a row group at a time. Only the groups
    that hold one are read. columns: None is all; options: as ``open_parquet`` takes them."""
    with open_parquet(url, **options) as file:
        start = 0
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            first, last = np.searchsorted(rows, [start, stop])
            if first < last:
                table = file.read_row_group(group, columns=columns, use_threads=False)
                yield rows[first:last], table.take(pa.array(rows[first:last] - start)).combine_chunks()
            start = stop


def failed(error: Exception) -> bool:
    """Whether it was storage that failed, and not the file that is damaged: pyarrow says both by OSError."""
    return getattr(error, "errno", None) is not None


def each(read: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """What is read of each, in order; several are read at once: an object store makes each wait."""
    with ThreadPoolExecutor(max(READERS, os.cpu_count() or 1)) as pool:
        return list(pool.map(read, things))


@contextmanager
def parquet_writer(
    url: str, schema: pa.Schema, compression: str = "zstd", *, dictionary: bool = True, checksums: bool = False
) -> Iterator[pq.ParquetWriter]:
    """A Parquet file to write tables to, at its final name; its folder is made. Whole only once it is closed.

    dictionary: whether columns are dictionary-encoded, which costs time where values do not repeat. checksums: a CRC a page.
    """
    options = {"compression": compression, "use_dictionary": dictionary, "write_page_checksum": checksums}
    if is_local(url):
        path = resolve(url)[1]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with pq.ParquetWriter(path, schema, **options) as writer:
            yield writer
        return
    with open_write(url) as stream, pq.ParquetWriter(stream, schema, **options) as writer:
        yield writer
