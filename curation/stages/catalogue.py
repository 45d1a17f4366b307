"""*catalogue*: the recipe's globs to a list of files with fingerprints, and files to partitions of bounded size.

A file is known by the sha256 of its bytes, not by its name. The order (place of the source in the recipe, path) is
the order of documents everywhere later.

Small files share a partition, big ones are cut. Where a partition ends is asked of the content (content-defined chunking,
as in LBFS, Muthitacharoen et al. 2001): a slice ends one with a probability in proportion to its weight, by its file's
fingerprint. So a file more or less re-cuts its neighbourhood only, and a later run finds all other partitions made.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from curation import storage
from curation.allowed_roots import in_words
from curation.readers.cuts import Marks, member_marks, plain_marks
from curation.readers.formats import ENDINGS, kind_of
from curation.readers.json_values import is_lines
from curation.recipes.memory import bounds
from curation.recipes.recipe_paths import files_of_source, place_of
from curation.releases.home import Home
from schemas.recipe import Recipe
from schemas.sources import Source
from schemas.work import Input, Partition, Slice

OPENING_BYTES = 32_000
"""What opening a file costs, in bytes of text that would be read in that time."""
TRIED_AGAIN_AFTER = (1.0, 5.0)
"""Seconds after which a file that storage failed to read is tried again, before it is set aside."""
LASTING = (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
EXPANSION = {"gzip": 4, "zstd": 4, "bz2": 5, "xz": 5, "parquet": 2}
"""Text bytes a byte of the file, about."""


FINGERPRINT = re.compile(r"^[0-9a-f]{64}$")
Known = dict[str, dict[str, object]]
"""By path: what an earlier run found of a file whose size and version are the same."""


def catalogue(sources: list[Source], *, partition_bytes: int, known: Known) -> list[Input]:
    """The input files in document order. Raises RecipeError for a glob that finds nothing."""
    files: list[Input] = []
    first_with: dict[tuple[str, str, str | None], str] = {}
    for index, source in enumerate(sources):
        found = files_of_source(source, index)
        infos = [found[path] for path in sorted(found)]
        examine = partial(_examine, source, index, partition_bytes, known)
        for file in storage.each(examine, infos):
            if not file.fault:
                same = first_with.setdefault((file.fingerprint, file.format, file.compression), file.path)
                file = replace(file, same_as=same if same != file.path else None)
            files.append(file)
    return files


def of_recipe(recipe: Recipe, home: Home) -> list[Input]:
    """The recipe's input files, in document order; what is found of them is kept in ``home`` for the next run."""
    place = home.cache("fingerprints.json")
    partition_bytes = bounds(recipe.engine).partition_bytes
    files = catalogue(recipe.sources, partition_bytes=partition_bytes, known=load_known(place))
    save_known(place, files, partition_bytes, recipe.sources)
    return files


def cut(file: Input, number: int) -> list[Slice]:
    """The slices of a file, the ``number``-th input; one where it cannot or need not be cut."""
    marks = file.marks or ((0, 0),)
    stops = [start for start, _ in marks[1:]]
    return [Slice(number, start, stop, row) for (start, row), stop in zip(marks, [*stops, None], strict=True)]


def partitions(files: Sequence[Input], partition_bytes: int) -> list[Partition]:
    """The partitions of all files that can be read and are no copies, in document order.

    One holds slices of one source that weigh up to ``partition_bytes`` together, about 0.43 times as much on average.
    """
    made: list[Partition] = []
    held: list[Slice] = []
    weight = 0

    def close() -> None:
        nonlocal weight
        if held:
            made.append(Partition(files[held[0].input].source_index, tuple(held)))
            held.clear()
            weight = 0

    for number, file in enumerate(files):
        if file.fault or file.same_as is not None:
            continue
        if held and files[held[0].input].source_index != file.source_index:
            close()
        slices = cut(file, number)
        each = file.bytes * EXPANSION.get(file.compression or file.format, 1) // len(slices) + OPENING_BYTES
        for one in slices:
            if weight + each > partition_bytes:
                close()
            held.append(one)
            weight += each
            if _ends(file, one, each, partition_bytes):
                close()
    close()
    return made


def _ends(file: Input, one: Slice, weight: int, partition_bytes: int) -> bool:
    """Whether a partition ends after a slice: by its content alone, once in ``partition_bytes`` / 2."""
    digest = hashlib.sha256(f"{file.fingerprint}:{one.start}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < weight / (partition_bytes / 2) * 2**64


def load_known(path: str) -> Known:
    """Fingerprints of an earlier run; none if there are none or they are unreadable."""
    loaded = storage.read_json(path)
    return loaded if isinstance(loaded, dict) else {}


def save_known(path: str, files: list[Input], partition_bytes: int, sources: list[Source]) -> None:
    """Keep fingerprints and marks, so that an unchanged file is not read again."""
    entries = {
        file.path: {
            **vars(file),
            "partition_bytes": partition_bytes,
            "records": sources[file.source_index].records,
        }
        for file in files
        if not file.fault and file.version
    }
    storage.put(path, json.dumps(entries).encode())


def _examine(source: Source, index: int, partition_bytes: int, known: Known, info: storage.FileInfo) -> Input:
    named = kind_of(info.path, source.format)
    blank = Input(source.name, index, info.path, info.url, info.bytes, info.stamp, "", *(named or ("", None)))
    if source.format != "rows":
        blank = replace(blank, place=place_of(info.path, source.paths))
    if named is None:
        return replace(blank, fault=f"unknown kind of file; its name ends in none of {ENDINGS} (.gz .zst .bz2 .xz)")
    if info.kind != "file":
        return replace(blank, fault="no file to read: a pipe, a device, or a link that leads nowhere")
    entry = _known_entry(known.get(info.path), (info.bytes, info.stamp, partition_bytes))
    if entry is not None:
        return replace(blank, fingerprint=entry[0], marks=entry[1])
    for seconds in (*TRIED_AGAIN_AFTER, None):
        try:
            return _looked_at(source, blank, info.url, partition_bytes)
        except OSError as error:
            if seconds is None or isinstance(error, LASTING):
                return replace(blank, fault=f"cannot be opened: {in_words(error)}")
            time.sleep(seconds)
    raise AssertionError


def _looked_at(source: Source, blank: Input, url: str, partition_bytes: int) -> Input:
    """A file with its fingerprint, and where it can be cut. Raises OSError."""
    every = _even(blank.bytes * EXPANSION.get(blank.compression or blank.format, 1), partition_bytes)
    if every is None:
        return replace(blank, fingerprint=storage.sha256(url))
    if blank.format == "parquet":
        return replace(blank, fingerprint=storage.sha256(url), marks=_row_group_marks(url, partition_bytes))
    # Lines can be cut anywhere; records that go on over lines, and those that a wrapper holds, are read as one stream.
    if blank.format != "jsonl" or source.records is not None or not is_lines(url, blank.compression):
        return replace(blank, fingerprint=storage.sha256(url))
    fingerprint, marks = _line_marks(url, blank.compression, every)
    return replace(blank, fingerprint=fingerprint, marks=marks)


def _known_entry(entry: object, wanted: tuple[int, str, int]) -> tuple[str, Marks] | None:
    """Fingerprint and marks of a file that is as it was; None where it is not, or the entry is none."""
    try:
        found: Any = entry
        if (found["bytes"], found["version"], found["partition_bytes"]) != wanted:
            return None
        digest = str(found["fingerprint"])
        return (digest, tuple((int(a), int(b)) for a, b in found["marks"])) if FINGERPRINT.match(digest) else None
    except (TypeError, KeyError, ValueError):
        return None


def _even(text_bytes: int, partition_bytes: int) -> int | None:
    """What a slice of a file of about so much text takes, so that all are alike; None: it need not be cut."""
    slices = -(-text_bytes // partition_bytes)
    return -(-text_bytes // slices) if slices > 1 else None


def _line_marks(path: str, compression: str | None, every: int) -> tuple[str, Marks]:
    """sha256 of the bytes of a file of lines, and where it can be cut, read once."""
    digest = hashlib.sha256()

    def read() -> Iterator[bytes]:
        for block in storage.blocks(path):
            digest.update(block)
            yield block

    blocks = read()
    marks = plain_marks(blocks, every) if compression is None else member_marks(blocks, compression, every)
    for _ in blocks:  # what the marks did not ask for is part of the fingerprint
        pass
    return digest.hexdigest(), marks


def _row_group_marks(path: str, partition_bytes: int) -> Marks:
    marks: list[tuple[int, int]] = [(0, 0)]
    try:
        with storage.open_parquet(path) as file:
            size = row = 0
            total = sum(file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups))
            every = _even(total, partition_bytes) or total
            for group in range(file.num_row_groups):
                if size >= every:
                    marks.append((group, row))
                    size = 0
                size += file.metadata.row_group(group).total_byte_size
                row += file.metadata.row_group(group).num_rows
    except (OSError, ValueError, pa.ArrowException) as error:
        if storage.failed(error):
            raise
        return ()  # the reader says what is wrong with it
    return tuple(marks)
