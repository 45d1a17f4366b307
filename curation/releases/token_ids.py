"""The token ids of a partition's texts, kept beside it: each text goes through the tokenizer once, however often it is counted, written
or written again.

An Arrow file, a record batch a row group of the documents, and a note of its size and checksum; without the note it is not
whole. Texts that a stage of the run wrote anew have theirs in the run's folder, records that are made of turns have none: a
template writes them otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.ipc

from curation import storage
from curation.arrays.arrow_text import as_text
from curation.releases.work import Work
from curation.training import encoder
from curation.training.tokens import Known, token_ids

VERSION = 1
"""Part of the file's name: raise it when a change here changes what is in it."""
SCHEMA = pa.schema([("ids", pa.list_(pa.int32()))])


def path_of(work: Work, number: int) -> str | None:
    """Where the ids of a partition stand, or should; None where there are none."""
    tokenizer = work.recipe.shards.tokenizer
    if tokenizer is None or work.source(number).has_turns:
        return None
    part = work.part(number)
    if part.rewritten is not None:
        return work.path("token-ids", number, "arrow")
    return storage.join(part.folder, f"token-ids-{VERSION}-{encoder.load(tokenizer).key}.arrow")


def is_whole(path: str) -> bool:
    """Whether a file is there as it was written."""
    try:
        note = json.loads(storage.read_bytes(path + ".json"))
        return storage.is_intact(path, note["size"], note["checksum"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return False


class Groups:
    """The ids of a partition's row groups, read, or made and kept on the way, in order."""

    def __init__(
        self,
        tokenizer: str,
        reader: pa.ipc.RecordBatchFileReader | None,
        writer: pa.ipc.RecordBatchFileWriter | None,
    ):
        self._tokenizer, self._reader, self._writer = tokenizer, reader, writer

    def known(self, group: int, texts: pa.Array | pa.ChunkedArray) -> Known:
        """Those of the next row group."""
        plain = as_text(texts)
        if self._reader is not None:
            return Known(plain, self._reader.get_batch(group)["ids"])
        ids = token_ids(plain, self._tokenizer)
        assert self._writer is not None
        self._writer.write_batch(pa.record_batch([ids], schema=SCHEMA))
        return Known(plain, ids)


@contextmanager
def groups(path: str, tokenizer: str) -> Iterator[Groups]:
    """The ids of a partition's row groups; the file is whole once all were asked for."""
    if is_whole(path):
        with storage.open_read(path) as stream:
            yield Groups(tokenizer, pa.ipc.open_file(stream), None)
        return
    options = pa.ipc.IpcWriteOptions(compression=None if storage.is_local(path) else "lz4")
    with storage.open_write(path) as stream, pa.ipc.new_file(stream, SCHEMA, options=options) as writer:
        yield Groups(tokenizer, None, writer)
    note = {"size": storage.size(path), "checksum": storage.checksum(path)}
    storage.put(path + ".json", json.dumps(note).encode())


def read(path: str, numbers: Sequence[int]) -> pa.ChunkedArray:
    """The ids of some row groups, one after the other: list<int32>."""
    with storage.open_read(path) as stream:
        reader = pa.ipc.open_file(stream)
        return pa.chunked_array([reader.get_batch(number)["ids"] for number in numbers], SCHEMA.field("ids").type)
