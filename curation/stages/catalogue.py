"""*catalogue*: the recipe's globs to a list of files with fingerprints, and big files to partitions.

A file is known by the sha256 of its bytes, not by its name. The order (place of the source in the recipe, path) is
the order of documents everywhere later.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import partial

import pyarrow.parquet as pq

from curation import storage
from curation.readers.formats import by_name
from curation.release import Home
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.sources import Source

READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Input:
    """A file that a source's globs found.

    ``path`` is how it is shown, ``url`` how it is opened from anywhere. ``marks``: where partitions may begin, as (start, first row): byte offsets of lines in plain JSON Lines, numbers
    of row groups in Parquet. ``fault``: why the file cannot be read at all.
    """

    source: str
    source_index: int
    path: str
    url: str
    bytes: int
    version: str
    fingerprint: str
    format: str
    compression: str | None = None
    marks: tuple[tuple[int, int], ...] = ()
    same_as: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Partition:
    """A unit of work: a file, or a range of it: [start, stop) in the unit of the file's marks; None is the end."""

    ordinal: int
    start: int
    stop: int | None
    first_row: int


Known = dict[str, dict[str, object]]
"""By path: what an earlier run found of a file whose size and version are the same."""


def catalogue(sources: list[Source], *, partition_bytes: int, known: Known) -> list[Input]:
    """The input files in document order. Raises RecipeError for a glob that finds nothing."""
    files: list[Input] = []
    first_with: dict[tuple[str, str, str | None], str] = {}
    for index, source in enumerate(sources):
        found: dict[str, storage.FileInfo] = {}
        for number, pattern in enumerate(source.paths):
            matches = [info for info in storage.glob(pattern) if info.kind == "file"]
            if not matches:
                kind = "matches no file" if any(c in pattern for c in "*?[") else "is no file"
                raise RecipeError(
                    f"sources[{index}].paths[{number}]", f"{pattern!r} {kind}; mend the path or remove it"
                )
            found |= {info.path: info for info in matches}
        infos = [found[path] for path in sorted(found)]
        examine = partial(_examine, source.name, index, partition_bytes, known)
        for file in storage.each(examine, infos):
            if not file.fault:
                same = first_with.setdefault((file.fingerprint, file.format, file.compression), file.path)
                file = replace(file, same_as=same if same != file.path else None)
            files.append(file)
    return files


def of_recipe(recipe: Recipe, home: Home) -> list[Input]:
    """The recipe's input files, in document order; what is found of them is kept in ``home`` for the next run."""
    place = home.cache("fingerprints.json")
    partition_bytes = recipe.engine.partition_bytes
    files = catalogue(recipe.sources, partition_bytes=partition_bytes, known=load_known(place))
    save_known(place, files, partition_bytes)
    return files


def cut(file: Input) -> list[Partition]:
    """The file's partitions; one where it cannot or need not be cut."""
    marks = file.marks or ((0, 0),)
    stops = [start for start, _ in marks[1:]]
    return [
        Partition(ordinal, start, stop, row)
        for ordinal, ((start, row), stop) in enumerate(zip(marks, [*stops, None], strict=True))
    ]


def load_known(path: str) -> Known:
    """Fingerprints of an earlier run; none if there are none or they are unreadable."""
    if not storage.exists(path):
        return {}
    try:
        loaded: Known = json.loads(storage.read_bytes(path))
    except ValueError:
        return {}
    return loaded


def save_known(path: str, files: list[Input], partition_bytes: int) -> None:
    """Keep fingerprints and marks, so that an unchanged file is not read again."""
    entries = {
        file.path: {**asdict(file), "partition_bytes": partition_bytes}
        for file in files
        if not file.fault and file.version
    }
    storage.put(path, json.dumps(entries).encode())


def _examine(source: str, index: int, partition_bytes: int, known: Known, info: storage.FileInfo) -> Input:
    named = by_name(info.path)
    blank = Input(source, index, info.path, info.url, info.bytes, info.stamp, "", *(named or ("", None)))
    if named is None:
        endings = ".jsonl .ndjson .json .parquet .csv .tsv .txt"
        return replace(blank, fault=f"unknown kind of file; its name ends in none of {endings} (.gz .zst .bz2 .xz)")
    entry = known.get(info.path)
    same = entry is not None and (entry["bytes"], entry["version"], entry["partition_bytes"]) == (
        info.bytes,
        info.stamp,
        partition_bytes,
    )
    try:
        if same and entry is not None:
            marks = tuple((int(a), int(b)) for a, b in entry["marks"])  # type: ignore[attr-defined]
            return replace(blank, fingerprint=str(entry["fingerprint"]), marks=marks)
        marks = ()
        big = info.bytes > partition_bytes
        if named[0] == "parquet" and big:
            marks = _row_group_marks(info.url, partition_bytes)
        lines = named == ("jsonl", None) and big
        fingerprint, line_marks = _fingerprint(info.url, partition_bytes if lines else None)
        return replace(blank, fingerprint=fingerprint, marks=marks or line_marks)
    except OSError as error:
        return replace(blank, fault=f"cannot be opened: {type(error).__name__}")


def _fingerprint(path: str, every: int | None) -> tuple[str, tuple[tuple[int, int], ...]]:
    """sha256 of the bytes, and with ``every`` the first line at or after each multiple of it, with its row."""
    digest = hashlib.sha256()
    marks: list[tuple[int, int]] = [(0, 0)]
    offset = row = 0
    with storage.open_read(path) as stream:
        if every is None:
            while chunk := stream.read(READ_BYTES):
                digest.update(chunk)
            return digest.hexdigest(), ()
        for line in stream:
            if offset and offset >= marks[-1][0] + every:
                marks.append((offset, row))
            digest.update(line)
            offset += len(line)
            row += bool(line.strip())
    return digest.hexdigest(), tuple(marks)


def _row_group_marks(path: str, every: int) -> tuple[tuple[int, int], ...]:
    marks: list[tuple[int, int]] = [(0, 0)]
    try:
        with storage.open_parquet(path) as file:
            size = row = 0
            for group in range(file.num_row_groups):
                if size >= every:
                    marks.append((group, row))
                    size = 0
                size += file.metadata.row_group(group).total_byte_size
                row += file.metadata.row_group(group).num_rows
    except (OSError, ValueError, pq.lib.ArrowException):
        return ()  # the reader says what is wrong with it
    return tuple(marks)
