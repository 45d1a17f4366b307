"""*write*: an external gather from prepared partitions to shards, in training order, with bounded memory.

``mixture/spans.py`` cuts the schedule into shards, and each shard into chunks, which become its row groups. ``scatter`` runs once a
partition: it reads as many row groups at a time as hold half a chunk's text and writes the scheduled rows to one Arrow file, a record
batch for each chunk that they go to. ``run_write`` runs once a shard: chunk by chunk it collects that chunk's batches from all
partitions, sorts them by position, formats, counts tokens and writes. Memory follows the chunk in both, never the shard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from curation import storage, turns
from curation.arrays.row_groups import RowGroups
from curation.arrays.sorting import place_in_run
from curation.methods import formatters
from curation.methods.formatters import lots
from curation.methods.formatters.segments import Formatted, only
from curation.methods.formatters.values import OWN_NAME
from curation.methods.loss_weights import loss_weights
from curation.mixture.pool import Pool, labels_in
from curation.mixture.schedule import Schedule
from curation.mixture.spans import CHUNK_BYTES, ROWS_PER_GROUP, ShardSpan, cuts, shards_of
from curation.releases.copies import copies_of
from curation.releases.shard_file import ShardFile
from curation.releases.work import Done, Work
from curation.training.pack import Packed, Packer
from curation.training.tokens import Tokens, count_tokens, special_ids
from schemas.errors import RunError
from schemas.plan import Plan, PlannedPhase
from schemas.recipe import KIND_COLUMNS
from schemas.shards import Shards
from schemas.tables import DECISIONS, NO_LABEL, PACKED, SHARD, WEIGHTS_A_TOKEN
from schemas.work import WrittenShard

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


PLAN, SHARDS = TypeAdapter(Plan), TypeAdapter(tuple[ShardSpan, ...])


def leave_schedule(work: Work, pool: Pool, plan: Plan, ordered: Schedule, max_bytes: int) -> tuple[ShardSpan, ...]:
    """Leave plan and shards in the work folder, and beside each partition the places of its documents (SCHEDULED) and
    those that no phase takes (decisions)."""
    spans = tuple(shards_of(ordered, pool, plan, max_bytes=max_bytes))
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
        refused = _refused(work, number)
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


def _refused(work: Work, number: int) -> npt.NDArray[np.int64]:
    """The rows of a partition that a chat template does not write."""
    path = work.path("refused", number, "arrow")
    if not any(type(one) in formatters.MAY_REFUSE for one in work.recipe.conditionings()) or not storage.exists(path):
        return np.zeros(0, dtype=np.int64)
    rows: npt.NDArray[np.int64] = storage.read_arrow(path)["index"].to_numpy()
    return rows


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


@lru_cache(maxsize=2)
def _plan_of(folder: str) -> tuple[Plan, tuple[ShardSpan, ...]]:
    """Plan and shards, read once a process: the folder's name follows from what decides them."""
    plan = PLAN.validate_json(storage.read_bytes(storage.join(folder, "plan.json")))
    return plan, SHARDS.validate_json(storage.read_bytes(storage.join(folder, "shards.json")))


def run_scatter(work: Work, number: int) -> Done:
    """The scheduled rows of one partition, by chunk."""
    target = work.path("gathered", number, "arrow")
    scheduled = storage.read_arrow(work.path("scheduled", number, "arrow"))
    scatter(
        work.part(number).documents_path,
        work.path("tags", number),
        source=work.of_source[number],
        scheduled=scheduled,
        tag_names=work.recipe.tag_names(),
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
    target: str,
    copies: npt.NDArray[np.int64],
) -> None:
    """The scheduled rows of one partition, an Arrow record batch for each chunk of each block of row groups.

    documents, tags: the partition's tables, row-aligned. scheduled: the SCHEDULED table, a row a place (a document that is
    repeated stands several times). copies: how many documents each row stands for. Beside ``target`` stands an index, ``shard.chunk`` -> record batches.
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
            for start, groups in _blocks(file):
                end = start + sum(file.metadata.row_group(group).num_rows for group in groups)
                chosen = order[(ordered >= start) & (ordered < end)]
                if not len(chosen):
                    continue
                table = file.read_row_groups(
                    groups, columns=[*READ, *turns.columns_in(file.schema_arrow)], use_threads=False
                )
                table = table.rename_columns({"name": OWN_NAME})
                for name in tag_names:
                    table = table.append_column(f"tag:{name}", tag_table[name].slice(start, end - start))
                sizes = pc.fill_null(pc.binary_length(table["text"]), 0).to_numpy()
                reached = np.cumsum(sizes[rows[chosen] - start])  # a document may be repeated a hundred times
                for first, stop in cuts(reached, 0, len(chosen), CHUNK_BYTES, len(chosen)):
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


def _blocks(documents: pq.ParquetFile) -> Iterator[tuple[int, list[int]]]:
    """Row groups that hold half as much text as a chunk, together, with the number of their first row: the more documents are
    scattered at once, the fewer and larger the batches."""
    metadata = documents.metadata
    text = [documents.schema.column(number).path for number in range(len(documents.schema))].index("text")
    start, rows, size = 0, 0, 0
    groups: list[int] = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        bytes_ = group.column(text).total_uncompressed_size
        if groups and size + bytes_ > CHUNK_BYTES // 2:
            yield start, groups
            start, rows, size, groups = start + rows, 0, 0, []
        groups.append(number)
        rows, size = rows + group.num_rows, size + bytes_
    if groups:
        yield start, groups


READ = ["id", "name", "text", "prompt", "url", "date", "language", "quality"]
"""Columns of the documents that formatters and shards need."""


@lru_cache(maxsize=1 << 12)
def _index(target: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads(storage.read_bytes(target + ".json"))
    return found


class Gathered:
    """The documents of one shard, chunk by chunk, in order and as they are written."""

    def __init__(self, work: Work, number: int):
        plan, spans = _plan_of(work.folder)
        self.work, self.span = work, spans[number]
        self.phase: PlannedPhase = plan.phases[self.span.phase]
        self.schema: pa.Schema | None = None

    def chunks(self) -> Iterator[tuple[pa.Table, Formatted, Tokens]]:
        """Documents, texts with segments, tokens; of preferences both conversations. Raises RunError if a row is missing."""
        work, recipe = self.work, self.work.recipe
        places = zip(self.span.chunks, [*self.span.chunks[1:], self.span.last], strict=True)
        for number, (first, last) in enumerate(places):
            parts = []
            for partition in work.numbers:
                target = work.path("gathered", partition, "arrow")
                wanted = _index(target).get(f"{self.span.number}.{number}", [])
                if wanted:
                    with storage.open_read(target) as stream:
                        reader = pa.ipc.open_file(stream)
                        parts.append(pa.Table.from_batches([reader.get_batch(i) for i in wanted]))
            if not parts:
                raise RunError("write", f"shard {self.span.number}: no rows were found in the gathered partitions")
            table = pa.concat_tables(parts, promote_options="permissive").sort_by("position").combine_chunks()
            del parts
            if not np.array_equal(table["position"].to_numpy(), np.arange(first, last)):
                raise RunError(
                    "write", f"shard {self.span.number}: positions {first} to {last - 1} are not all there, once"
                )
            documents = table.rename_columns([n.removeprefix("tag:") for n in table.column_names])
            chosen = turns.conversation(documents).combine_chunks()
            formatted = formatters.render(chosen, self.phase.conditioning, seed=recipe.seed, phase=self.phase.name)
            weights = loss_weights(documents, formatted, recipe.shards.loss_weights)
            counted = count_tokens(formatted.texts, formatted.segments, recipe.shards.tokenizer, weights)
            yield documents, replace(formatted, weights=weights), counted

    def of_kind(self, documents: pa.Table, chosen: Formatted) -> dict[str, pa.Array]:
        """The columns that the kinds of the recipe's sources have besides; null for records of another kind."""
        kinds = {source.kind for source in self.work.recipe.sources}
        made: dict[str, pa.Array] = {}
        if "preference" in kinds:
            paired = turns.are_pairs(documents)
            documents_of = turns.conversation(documents, "rejected").combine_chunks()
            rejected = formatters.render(
                documents_of, self.phase.conditioning, seed=self.work.recipe.seed, phase=self.phase.name
            )
            both = {"chosen": chosen, "rejected": rejected}
            made |= {name: pc.if_else(pa.array(paired), one.texts, None) for name, one in both.items()}
            made |= {f"{name}_segments": only(one.segments, paired) for name, one in both.items()}
        if "verifiable" in kinds:
            for name in KIND_COLUMNS["verifiable"]:
                there = name in documents.column_names
                made[name] = documents[name] if there else pa.nulls(len(documents), pa.large_string())
        return made


class Counts:
    """Rows, tokens and labels of what was written so far."""

    def __init__(self, by: str | None):
        self.by = by
        self.rows = self.tokens = 0
        self.labels: dict[str, tuple[int, int, int]] = {}

    def add(self, documents: pa.Table, tokens: Tokens) -> None:
        self.rows += len(documents)
        self.tokens += int(tokens.counts.sum())
        for label, (n, t, trained) in _labels(documents, self.by, tokens).items():
            before = self.labels.get(label, (0, 0, 0))
            self.labels[label] = (before[0] + n, before[1] + t, before[2] + trained)


def run_write(work: Work, number: int) -> Done:
    """Gather, format and write one shard to its final name. Raises RunError if a row is missing."""
    gathered = Gathered(work, number)
    recipe, span, phase = work.recipe, gathered.span, gathered.phase
    counts = Counts(phase.by)
    name = span.path
    path = storage.join(work.release, name)
    with ShardFile(path, recipe.shards) as shard:
        for documents, formatted, counted in gathered.chunks():
            columns: dict[str, Any] = {
                "position": pc.subtract(documents["position"], span.shift),
                "phase": pa.array([phase.name] * len(documents), pa.string()),
                "epoch": documents["epoch"],
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
            for tag in recipe.tag_names():
                result = result.append_column(tag, documents[tag])
            if recipe.shards.copies:
                result = result.append_column("copies", documents["copies"])
            for column, values in gathered.of_kind(documents, formatted).items():
                result = result.append_column(column, values)
            if recipe.shards.loss_weights is not None:
                lists = formatted.segments
                weights = pa.ListArray.from_arrays(lists.offsets, pa.array(formatted.weights))
                result = result.append_column("loss_weight", weights)
            if counted.input_ids is not None:
                result = result.append_column("input_ids", counted.input_ids)
                result = result.append_column("loss_mask", counted.loss_mask)
            shard.write(result)
            counts.add(documents, counted)
    written = WrittenShard(
        path=name,
        rows=counts.rows,
        tokens=counts.tokens,
        bytes=shard.bytes,
        sha256=shard.digest.hexdigest(),
        phase=phase.name,
        labels=counts.labels,
        documents=counts.rows,
        first_position=span.first - span.shift,
    )
    return Done(asdict(written), [path])


def run_pack(work: Work, number: int) -> Done:
    """Pack one shard's documents into sequences, without positions yet: they follow from all shards' rows.

    What waits at the shard's end is filled up. Raises RunError if a row is missing.
    """
    gathered = Gathered(work, number)
    shards = work.recipe.shards
    special = special_ids(shards.tokenizer or "", shards.packs)
    packer = Packer(
        shards.sequence_length or 0,
        shards.packs.method,
        special["begin"],
        special["end"],
        special["pad"] or 0,
        weighted=shards.loss_weights is not None,
    )
    counts = Counts(gathered.phase.by)
    rows = 0
    target = work.path("packed", number, "arrow")
    schema = packed_columns(shards)
    with storage.open_write(target) as sink, pa.ipc.new_file(sink, schema) as writer:

        def leave(made: Packed) -> int:
            table = pa.table(made.columns(), schema=schema)
            writer.write_table(table)
            return len(table)

        for documents, _, counted in gathered.chunks():
            rows += leave(packer.add(counted, documents["id"].to_pylist()))
            counts.add(documents, counted)
        rows += leave(packer.finish())
    cost = {"padded": packer.padded, "cut": packer.cut, "dropped_tokens": packer.dropped_tokens}
    done = {"rows": rows, "tokens": counts.tokens, "labels": counts.labels, "documents": counts.rows}
    return Done({**done, **cost}, [target])


def packed_columns(shards: Shards) -> pa.Schema:
    """The columns of a shard of packed sequences behind position and phase."""
    weights = [WEIGHTS_A_TOKEN] if shards.loss_weights is not None else []
    return pa.schema([*(field for field in PACKED if field.name not in ("position", "phase")), *weights])


def leave_positions(work: Work, rows: list[int]) -> None:
    """Leave in the work folder where each packed shard begins. rows: of each."""
    first = np.cumsum([0, *rows]).tolist()
    storage.put(storage.join(work.folder, "first_positions.json"), json.dumps(first).encode())


def run_place(work: Work, number: int) -> Done:
    """Write one shard of packed sequences to its final name."""
    plan, spans = _plan_of(work.folder)
    phase = plan.phases[spans[number].phase].name
    first: int = json.loads(storage.read_bytes(storage.join(work.folder, "first_positions.json")))[number]
    name = spans[number].path
    path = storage.join(work.release, name)
    at = first
    schema = pa.schema([*list(PACKED)[:2], *packed_columns(work.recipe.shards)])
    with (
        storage.open_read(work.path("packed", number, "arrow")) as stream,
        ShardFile(path, work.recipe.shards) as shard,
    ):

        def write(table: pa.Table) -> None:
            nonlocal at
            position = pa.array(np.arange(at, at + len(table)), pa.int64())
            columns = {"position": position, "phase": pa.array([phase] * len(table), pa.string())}
            shard.write(pa.table(columns | {name: table[name] for name in table.column_names}, schema=schema))
            at += len(table)

        groups = RowGroups(write, ROWS_PER_GROUP)
        reader = pa.ipc.open_file(stream)
        for i in range(reader.num_record_batches):
            groups.add(pa.Table.from_batches([reader.get_batch(i)]))
        groups.finish()
    sums = {"bytes": shard.bytes, "sha256": shard.digest.hexdigest()}
    return Done({"path": name, "phase": phase, "first_position": first, **sums}, [path])


def _labels(documents: pa.Table, by: str | None, tokens: Tokens) -> dict[str, tuple[int, int, int]]:
    """Documents, tokens and tokens with loss by label."""
    assert tokens.trained is not None
    if by is None:
        return {"(all)": (len(documents), int(tokens.counts.sum()), int(tokens.trained.sum()))}
    labels = labels_in(documents, by)
    codes = np.where(labels.codes < 0, len(labels.names), labels.codes)
    counts = np.bincount(codes, minlength=len(labels.names) + 1)
    sums, trained = (
        np.bincount(codes, weights=of_row, minlength=len(labels.names) + 1)
        for of_row in (tokens.counts, tokens.trained)
    )
    names = [*labels.names, NO_LABEL]
    return {name: (int(n), int(t), int(w)) for name, n, t, w in zip(names, counts, sums, trained, strict=True) if n}
