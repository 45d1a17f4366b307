"""*gather*: the scheduled rows of each prepared partition, laid out by the shard and chunk that they go to.

``mixture/spans.py`` cuts the schedule into shards, and each shard into chunks, which become its row groups. ``scatter`` runs once a
partition: it reads as many row groups at a time as hold half a chunk's text and writes the scheduled rows to one Arrow file, a record
batch for each chunk that they go to. Memory follows the chunk.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from curation import storage, turns
from curation.arrays.sorting import place_in_run
from curation.methods import formatters
from curation.methods.formatters import lots
from curation.methods.formatters.values import OWN_NAME
from curation.mixture.pool import Pool
from curation.mixture.schedule import Schedule
from curation.mixture.spans import ShardSpan, chunk_bytes, cuts, shards_of
from curation.releases import token_ids
from curation.releases.copies import copies_of
from curation.releases.gathered import OWN_IDS, PLAN, SHARDS
from curation.releases.work import Done, Work
from curation.training.token_columns import columns_of
from schemas.plan import Plan
from schemas.tables import DECISIONS

SCHEDULED = pa.schema(
    [
        ("index", pa.int64()),
        ("position", pa.int64()),
        ("epoch", pa.int32()),
        ("shard", pa.int32()),
        ("chunk", pa.int32()),
        ("lot", pa.float64()),
    ]
)
"""A scheduled place of one partition's document: the row of its documents table, where it goes, and what its phase's
formatter drew for it (null: it draws nothing)."""


def leave_schedule(work: Work, pool: Pool, plan: Plan, ordered: Schedule, max_bytes: int) -> tuple[ShardSpan, ...]:
    """Leave plan and shards in the work folder, and beside each partition the places of its documents (SCHEDULED) and
    those that no phase takes (decisions)."""
    spans = tuple(shards_of(ordered, pool, plan, max_bytes=max_bytes, chunk_bytes=chunk_bytes(work.recipe.shards)))
    together = Plan((*plan.phases, *plan.evaluation))
    storage.put(storage.join(work.folder, "plan.json"), PLAN.dump_json(together))
    storage.put(storage.join(work.folder, "shards.json"), SHARDS.dump_json(spans))
    sizes = [span.last - span.first for span in spans]
    shard = np.repeat(np.arange(len(spans), dtype=np.int32), sizes)
    in_chunk = np.diff([*(place for span in spans for place in span.chunks), spans[-1].last])
    chunk = np.repeat(np.concatenate([np.arange(len(span.chunks), dtype=np.int32) for span in spans]), in_chunk)
    document, epoch = ordered.document, ordered.epoch
    evaluated = np.zeros(len(pool), dtype=bool)
    if ordered.evaluation is not None:
        document = np.concatenate([document, ordered.evaluation.document])
        epoch = np.concatenate([epoch, ordered.evaluation.epoch])
        evaluated[ordered.evaluation.document] = True
    lot = _lots(pool, together, spans, document, epoch, work.recipe.seed)
    for number, rows in _by_partition(pool.partition[document], len(work.partitions)):
        index = pool.index[document[rows]].astype(np.int64)
        drawn = pa.nulls(len(rows), pa.float64()) if lot is None else pa.array(lot[rows], from_pandas=True)
        columns = [index, rows, epoch[rows], shard[rows], chunk[rows], drawn]
        storage.put_arrow(work.path("scheduled", number, "arrow"), pa.table(columns, schema=SCHEDULED))
    taken = np.zeros(len(pool), dtype=bool)
    taken[ordered.document] = True
    left_out = np.flatnonzero(~taken)
    for number, rows in _by_partition(pool.partition[left_out], len(work.partitions)):
        refused = _refused(work, number, pool)
        n = len(rows) + len(refused)
        rules = np.where(evaluated[left_out[rows]], "evaluation", "not_scheduled").tolist()
        said = {
            "index": pa.array(np.concatenate([pool.index[left_out[rows]].astype(np.int64), refused])),
            "stage": pa.array(["schedule"] * n, pa.string()),
            "rule": pa.array([*rules, *["refused_by_template"] * len(refused)], pa.string()),
        }
        none = {name: pa.nulls(n, DECISIONS.field(name).type) for name in ("value", "threshold", "kept_id")}
        work.decide("schedule", number, pa.table(said | none))
    return spans


def _refused(work: Work, number: int, pool: Pool) -> npt.NDArray[np.int64]:
    """The rows of a partition that a chat template does not write: what is left, and yet in no pool."""
    if not any(type(one) in formatters.MAY_REFUSE for one in work.recipe.conditionings()):
        return np.zeros(0, dtype=np.int64)
    return np.setdiff1d(work.left(number, before="schedule"), pool.index[pool.partition == number])


def _lots(
    pool: Pool,
    plan: Plan,
    spans: tuple[ShardSpan, ...],
    document: npt.NDArray[np.int32],
    epoch: npt.NDArray[np.int32],
    seed: int,
) -> npt.NDArray[np.float64] | None:
    """The lots of the phases whose formatter draws; NaN elsewhere, None where none does. document, epoch: of each place."""
    drawing = [i for i, phase in enumerate(plan.phases) if type(phase.conditioning) in formatters.DRAW_LOTS]
    if not drawing:
        return None
    made = np.full(len(document), np.nan)
    for index in drawing:
        mine = [span for span in spans if span.phase == index]
        if mine:
            places = slice(mine[0].first, mine[-1].last)
            ids, copies = pool.ids[document[places]], epoch[places]
            made[places] = lots.of_phase(ids, copies, seed=seed, phase=plan.phases[index].name)
    return made


def _by_partition(partition: npt.NDArray[np.int32], n: int) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Of each partition the entries that are its own, in order."""
    order = np.argsort(partition, kind="stable")
    cuts = np.searchsorted(partition[order], np.arange(n + 1))
    for number in range(n):
        yield number, order[cuts[number] : cuts[number + 1]]


def run_scatter(work: Work, number: int) -> Done:
    """The scheduled rows of one partition, by chunk."""
    target = work.path("gathered", number, "arrow")
    scheduled = storage.read_arrow(work.path("scheduled", number, "arrow"))
    ids = token_ids.path_of(work, number)
    scatter(
        work.part(number).documents_path,
        work.path("tags", number),
        source=work.of_source[number],
        scheduled=scheduled,
        tag_names=work.recipe.tag_names(),
        token_columns=work.recipe.shards.token_columns,
        chunk_bytes=chunk_bytes(work.recipe.shards),
        ids=None if ids is None or not token_ids.is_whole(ids) else ids,
        copies=copies_of(work, number),
        target=target,
    )
    return Done({"rows": len(scheduled)}, [target, target + ".json"])


def scatter(
    documents: str,
    tags: str,
    *,
    source: str,
    scheduled: pa.Table,
    tag_names: list[str],
    token_columns: Collection[str],
    chunk_bytes: int,
    ids: str | None,
    target: str,
    copies: npt.NDArray[np.int64],
) -> None:
    """The scheduled rows of one partition, an Arrow record batch for each chunk of each block of row groups.

    documents, tags: the partition's tables, row-aligned. scheduled: the SCHEDULED table, a row a place (a document that is
    repeated stands several times). token_columns: of the recipe; chunk_bytes: text of a chunk; ids: where the texts' token ids stand (``token_ids``). copies: how many documents each row stands for. Beside ``target`` stands an index, ``shard.chunk`` -> record batches.
    """
    index: dict[str, list[int]] = {}
    batches = 0
    rows, positions = scheduled["index"].to_numpy(), scheduled["position"].to_numpy()
    epochs, drawn = scheduled["epoch"].to_numpy(), scheduled["lot"]
    chunks = scheduled["shard"].to_numpy().astype(np.int64) << 32 | scheduled["chunk"].to_numpy()
    order = np.argsort(positions, kind="stable")
    ordered = rows[order]
    with storage.open_write(target) as sink, ExitStack() as open_:
        writer: pa.ipc.RecordBatchFileWriter | None = None
        if len(rows):
            file, tag_file = (open_.enter_context(storage.open_parquet(path)) for path in (documents, tags))
            tag_table = tag_file.read()
            beside = columns_of(token_columns)
            for start, groups in _blocks(file, chunk_bytes // 2):
                end = start + sum(file.metadata.row_group(group).num_rows for group in groups)
                chosen = order[(ordered >= start) & (ordered < end)]
                if not len(chosen):
                    continue
                table = file.read_row_groups(
                    groups, columns=[*READ, *turns.columns_in(file.schema_arrow), *beside], use_threads=False
                )
                table = table.rename_columns({"name": OWN_NAME})
                if ids is not None:
                    table = table.append_column(OWN_IDS, token_ids.read(ids, groups))
                for name in tag_names:
                    table = table.append_column(f"tag:{name}", tag_table[name].slice(start, end - start))
                sizes = pc.fill_null(pc.binary_length(table["text"]), 0).to_numpy()
                reached = np.cumsum(sizes[rows[chosen] - start])  # a document may be repeated a hundred times
                for first, stop in cuts(reached, 0, len(chosen), chunk_bytes, len(chosen)):
                    mine = chosen[first:stop]
                    part = table.take(pa.array(rows[mine] - start))
                    part = part.append_column("position", pa.array(positions[mine], pa.int64()))
                    part = part.append_column("copies", pa.array(copies[rows[mine]], pa.int64()))
                    part = part.append_column("epoch", pa.array(epochs[mine], pa.int32()))
                    if drawn.null_count < len(drawn):
                        part = part.append_column(lots.COLUMN, drawn.take(pa.array(mine)))
                    part = part.append_column("source", pa.array([source] * len(mine), pa.string())).combine_chunks()
                    if writer is None:
                        writer = open_.enter_context(pa.ipc.new_file(sink, part.schema))
                    for chunk, batch in _by_chunk(part, chunks[mine]):
                        writer.write_batch(batch)
                        index.setdefault(chunk, []).append(batches)
                        batches += 1
    storage.put(target + ".json", json.dumps(index).encode())


def _by_chunk(table: pa.Table, chunks: npt.NDArray[np.int64]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each chunk, ``shard.chunk``. chunks: of each row, ascending."""
    firsts = np.flatnonzero(place_in_run(chunks) == 0).tolist()
    for first, stop in pairwise([*firsts, len(table)]):
        shard, chunk = divmod(int(chunks[first]), 1 << 32)
        for batch in table.slice(first, stop - first).to_batches():
            yield f"{shard}.{chunk}", batch


def _blocks(documents: pq.ParquetFile, most: int) -> Iterator[tuple[int, list[int]]]:
    """Row groups that hold so many bytes of text, half a chunk's, together, with the number of their first row: the more documents are
    scattered at once, the fewer and larger the batches."""
    metadata = documents.metadata
    text = [documents.schema.column(number).path for number in range(len(documents.schema))].index("text")
    start, rows, size = 0, 0, 0
    groups: list[int] = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        bytes_ = group.column(text).total_uncompressed_size
        if groups and size + bytes_ > most:
            yield start, groups
            start, rows, size, groups = start + rows, 0, 0, []
        groups.append(number)
        rows, size = rows + group.num_rows, size + bytes_
    if groups:
        yield start, groups


READ = ["id", "name", "text", "prompt", "url", "date", "language", "quality"]
"""Columns of the documents that formatters and shards need."""
