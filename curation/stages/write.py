"""*write*: an external gather from prepared partitions to shards, in training order, with bounded memory.

``shards_of`` cuts the schedule into shards. ``scatter`` runs once a partition: it reads the partition a row group at
a time and writes the scheduled rows to one Arrow file, a record batch for each (row group, shard). ``write_shard``
runs once a shard: it collects that shard's batches from all partitions, sorts them by position, formats, counts
tokens and writes. Memory follows the row group in the first and the shard in the second, never the corpus.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from curation import formatters, storage
from curation.formatters.segments import Formatted
from curation.pack import Packer
from curation.stages.pool import Pool, encode, label_texts
from curation.stages.schedule import Schedule
from curation.tokens import Tokens, count_tokens
from schemas.errors import RunError
from schemas.formatters import Conditioning
from schemas.plan import Plan
from schemas.shards import Shards
from schemas.tables import NO_LABEL, PACKED, SHARD

ROWS_PER_GROUP = 4096
"""Rows a Parquet row group: small enough to seek in, large enough to compress."""


@dataclass(frozen=True)
class ShardSpan:
    """One shard: positions [first, last) of the schedule, all of one phase."""

    number: int
    first: int
    last: int
    phase: int


@dataclass(frozen=True)
class WrittenShard:
    """What the manifest says of a shard."""

    path: str
    rows: int
    tokens: int
    bytes: int
    sha256: str
    phase: str
    labels: dict[str, tuple[int, int]]
    """Documents and tokens by label of the phase's mixture."""
    documents: int
    first_position: int


def shards_of(schedule: Schedule, pool: Pool, plan: Plan, *, max_bytes: int) -> list[ShardSpan]:
    """Cut the schedule where a phase ends or ``max_bytes`` of text are reached; a shard holds at least one row."""
    spans: list[ShardSpan] = []
    for index in range(len(plan.phases)):
        rows = np.flatnonzero(schedule.phase == index)
        if not len(rows):
            continue
        first, end = int(rows[0]), int(rows[-1]) + 1
        reached = np.cumsum(pool.bytes_in(plan.phases[index].conditioning)[schedule.document[first:end]])
        start = 0
        while start < end - first:
            before = reached[start - 1] if start else 0
            stop = max(int(np.searchsorted(reached, before + max_bytes, side="right")), start + 1)
            spans.append(ShardSpan(len(spans), first + start, first + stop, index))
            start = stop
    return spans


def scatter(
    documents: str,
    tags: str,
    *,
    source: str,
    rows: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    shards: npt.NDArray[np.int32],
    tag_names: list[str],
    rewritten: dict[int, str] | None,
    target: str,
) -> str:
    """The scheduled rows of one partition, an Arrow record batch for each (row group, shard).

    documents, tags: the partition's tables, row-aligned. rows: rows of it, one entry a scheduled position (a document
    that is repeated stands several times); positions, shards: where each goes. Returns ``target``; beside it stands an
    index, shard -> record batches.
    """
    index: dict[int, list[int]] = {}
    batches = 0
    order = np.lexsort((positions, shards))
    with storage.open_write(target) as sink:
        writer: pa.ipc.RecordBatchFileWriter | None = None
        with storage.open_parquet(documents) as file, storage.open_parquet(tags) as tag_file:
            tag_table = tag_file.read()
            start = 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                chosen = order[(rows[order] >= start) & (rows[order] < end)]
                if len(chosen):
                    columns = ["id", "text", "prompt", "url", "date", "language", "quality"]
                    table = file.read_row_group(group, columns=columns)
                    if rewritten:
                        table = _rewrite(table, start, rewritten)
                    for name in tag_names:
                        table = table.append_column(f"tag:{name}", tag_table[name].slice(start, end - start))
                    for shard in np.unique(shards[chosen]):
                        mine = chosen[shards[chosen] == shard]
                        part = table.take(pa.array(rows[mine] - start))
                        part = part.append_column("position", pa.array(positions[mine], pa.int64()))
                        part = part.append_column(
                            "source", pa.array([source] * len(mine), pa.string())
                        ).combine_chunks()
                        if writer is None:
                            writer = pa.ipc.new_file(sink, part.schema)
                        for batch in part.to_batches():
                            writer.write_batch(batch)
                            index.setdefault(int(shard), []).append(batches)
                            batches += 1
                start = end
        if writer is not None:
            writer.close()
    storage.put(target + ".json", json.dumps({str(k): v for k, v in sorted(index.items())}).encode())
    return target


def _rewrite(table: pa.Table, start: int, rewritten: dict[int, str]) -> pa.Table:
    texts = table["text"].to_pylist()
    for row, text in rewritten.items():
        if start <= row < start + len(texts):
            texts[row - start] = text
    return table.set_column(table.schema.get_field_index("text"), "text", pa.array(texts, pa.large_string()))


def _formatted(
    span: ShardSpan,
    runs: list[str],
    phase: str,
    conditioning: Conditioning | None,
    shards: Shards,
    seed: int,
) -> tuple[pa.Table, Formatted, Tokens]:
    """A shard's documents in order, as written, and their tokens. Raises RunError if a row is missing."""
    parts: list[pa.Table] = []
    for run in runs:
        index = json.loads(storage.read_bytes(run + ".json"))
        wanted = index.get(str(span.number), [])
        if wanted:
            with storage.open_read(run) as stream:
                reader = pa.ipc.open_file(stream)
                parts.append(pa.Table.from_batches([reader.get_batch(i) for i in wanted]))
    if not parts:
        raise RunError("write", f"shard {span.number}: no rows were found in the gathered partitions")
    table = pa.concat_tables(parts, promote_options="permissive").sort_by("position").combine_chunks()
    if not np.array_equal(table["position"].to_numpy(), np.arange(span.first, span.last)):
        raise RunError(
            "write", f"shard {span.number}: positions {span.first} to {span.last - 1} are not all there, once"
        )
    documents = table.rename_columns([n.removeprefix("tag:") for n in table.column_names])
    formatted = formatters.render(documents, conditioning, seed=seed, phase=phase)
    counted = count_tokens(formatted.texts, formatted.segments, shards.tokenizer)
    return documents, formatted, counted


def write_shard(
    span: ShardSpan,
    runs: list[str],
    *,
    phase: str,
    by: str | None,
    epochs: npt.NDArray[np.int32],
    conditioning: Conditioning | None,
    tag_names: list[str],
    shards: Shards,
    seed: int,
    release: str,
    done: str,
) -> WrittenShard:
    """Gather, format and write one shard to its final name, then note in ``done`` what was written.

    Raises RunError if a row is missing.
    """
    documents, formatted, counted = _formatted(span, runs, phase, conditioning, shards, seed)
    columns: dict[str, Any] = {
        "position": documents["position"],
        "phase": pa.array([phase] * len(documents), pa.string()),
        "epoch": pa.array(epochs, pa.int32()),
        "id": documents["id"],
        "source": documents["source"],
        "text": formatted.texts,
        "segments": formatted.segments,
        "tokens": pa.array(counted.counts, pa.int32()),
        "url": documents["url"],
        "language": documents["language"],
        "quality": documents["quality"],
    }
    result = pa.table(columns, schema=SHARD)
    for name in tag_names:
        result = result.append_column(name, documents[name])
    if counted.input_ids is not None:
        result = result.append_column("input_ids", counted.input_ids).append_column("loss_mask", counted.loss_mask)
    labels = _labels(documents, by, counted.counts)
    name = f"{span.number:05d}.parquet"
    size, digest = _put_parquet(result, storage.join(release, "shards", name), shards.compression)
    written = WrittenShard(
        f"shards/{name}", len(result), int(counted.counts.sum()), size, digest, phase, labels, len(result), span.first
    )
    storage.put(done, json.dumps(asdict(written)).encode())
    return written


def pack_shard(
    span: ShardSpan,
    runs: list[str],
    *,
    phase: str,
    by: str | None,
    conditioning: Conditioning | None,
    shards: Shards,
    seed: int,
    packed: str,
) -> WrittenShard:
    """Pack a shard's documents into sequences and leave them at ``packed``: positions follow from all shards' rows.

    Every document of the shard is in its sequences, cut where a sequence ends; the last one is filled up. Raises
    RunError if a row is missing.
    """
    documents, _, counted = _formatted(span, runs, phase, conditioning, shards, seed)
    packer = Packer(shards.sequence_length or 0, mode="keep_remainder")
    made = [packer.add(counted, documents["id"].to_pylist()), packer.finish()]
    table = pa.concat_tables([pa.table(part.columns()) for part in made]).combine_chunks()
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    storage.put(packed, sink.getbuffer())
    name = f"shards/{span.number:05d}.parquet"
    labels = _labels(documents, by, counted.counts)
    return WrittenShard(name, len(table), int(counted.counts.sum()), 0, "", phase, labels, len(documents), 0)


def place_packed(shard: WrittenShard, packed: str, first: int, shards: Shards, release: str) -> WrittenShard:
    """Write packed sequences to their final name, the first at position ``first``."""
    with storage.open_read(packed) as stream:
        table = pa.ipc.open_file(stream).read_all()
    position = pa.array(np.arange(first, first + len(table)), pa.int64())
    phase = pa.array([shard.phase] * len(table), pa.string())
    columns = {"position": position, "phase": phase, **{name: table[name] for name in table.column_names}}
    size, digest = _put_parquet(pa.table(columns, schema=PACKED), storage.join(release, shard.path), shards.compression)
    return replace(shard, bytes=size, sha256=digest, first_position=first)


def _labels(documents: pa.Table, by: str | None, tokens: npt.NDArray[np.int32]) -> dict[str, tuple[int, int]]:
    if by is None:
        return {"(all)": (len(documents), int(tokens.sum()))}
    labels = encode(label_texts(documents[by]))
    codes = np.where(labels.codes < 0, len(labels.names), labels.codes)
    counts = np.bincount(codes, minlength=len(labels.names) + 1)
    sums = np.bincount(codes, weights=tokens, minlength=len(labels.names) + 1)
    names = [*labels.names, NO_LABEL]
    return {name: (int(n), int(t)) for name, n, t in zip(names, counts, sums, strict=True) if n}


def _put_parquet(table: pa.Table, path: str, compression: str) -> tuple[int, str]:
    """Write a table in one put; its size and sha256."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression=compression, row_group_size=ROWS_PER_GROUP, store_schema=True)
    data = sink.getbuffer()
    storage.put(path, data)
    return len(data), hashlib.sha256(data).hexdigest()


def load_written(done: str, release: str) -> WrittenShard | None:
    """What an unfinished run noted in ``done``, if the shard's file still is what it wrote; else None."""
    if not storage.exists(done):
        return None
    plain = json.loads(storage.read_bytes(done))
    plain["labels"] = {label: tuple(both) for label, both in plain["labels"].items()}
    try:
        shard = WrittenShard(**plain)
    except TypeError:  # noted by another version
        return None
    path = storage.join(release, shard.path)
    whole = storage.exists(path) and storage.size(path) == shard.bytes and storage.sha256(path) == shard.sha256
    return shard if whole else None
