"""*pack* and *place*: one shard of packed sequences; where it begins follows from the rows of all shards before it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc

from curation import storage
from curation.arrays.row_groups import RowGroups
from curation.mixture.pool import labels_in
from curation.mixture.spans import ROWS_PER_GROUP
from curation.releases.gathered import Counts, Gathered, plan_of
from curation.releases.shard_file import ShardFile
from curation.releases.work import Done, Work
from curation.training.pack import Packed, Packer
from curation.training.tokens import special_ids
from schemas.shards import Shards
from schemas.tables import DOC_OFFSETS, PACKED, WEIGHTS_A_TOKEN, token_field


def run_pack(work: Work, number: int) -> Done:
    """Pack one shard's documents into sequences, without positions yet: they follow from all shards' rows.

    What waits at the shard's end is filled up. Raises RunError if a row is missing.
    """
    gathered = Gathered(work, number)
    shards = work.recipe.shards
    special = special_ids(shards.tokenizer or "", shards.packs)
    packers: dict[str, Packer] = {}

    def packer_of(label: str) -> Packer:
        if label not in packers:
            packers[label] = Packer(
                shards.sequence_length or 0,
                shards.packs.method,
                special["begin"],
                special["end"],
                special["pad"] or 0,
                window=shards.packs.window,
                min_span=shards.packs.min_span,
            )
        return packers[label]

    counts = Counts(gathered.phase.by)
    rows = 0
    target = work.path("packed", number, "arrow")
    schema = packed_columns(shards)
    with storage.open_write(target) as sink, pa.ipc.new_file(sink, schema) as writer:

        def leave(made: Packed) -> int:
            columns = made.columns()
            table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
            writer.write_table(table)
            return len(table)

        for documents, _, counted in gathered.chunks():
            ids = documents["id"].to_pylist()
            for label, mine in apart(documents, shards.packs.groups):
                rows += leave(packer_of(label).add(counted.take(mine), [ids[i] for i in mine.tolist()]))
            counts.add(documents, counted)
        for packer in packers.values():
            last = packer.finish()
            rows += 0 if last is None else leave(last)
    cost = {
        name: sum(getattr(packer, name) for packer in packers.values()) for name in ("padded", "cut", "dropped_tokens")
    }
    done = {
        "rows": rows,
        "tokens": counts.tokens,
        "labels": counts.labels,
        "documents": counts.rows,
        "unfit": counts.unfit,
    }
    return Done({**done, **cost}, [target])


def apart(documents: pa.Table, by: str | None) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """The documents of each label, by where it comes first."""
    if by is None:
        yield "", np.arange(len(documents))
        return
    labels = labels_in(documents, by).with_none()
    found, first = np.unique(labels.codes, return_index=True)
    for code in found[np.argsort(first)].tolist():
        yield labels.names[code], np.flatnonzero(labels.codes == code)


def packed_columns(shards: Shards) -> pa.Schema:
    """The columns of a shard of packed sequences behind position and phase."""
    weights = [WEIGHTS_A_TOKEN] if shards.loss_weights is not None else []
    offsets = [DOC_OFFSETS] if shards.packs.offsets else []
    beside = [token_field(name, *kind) for name, kind in shards.token_types().items()]
    return pa.schema(
        [*(field for field in PACKED if field.name not in ("position", "phase")), *weights, *offsets, *beside]
    )


def leave_positions(work: Work, rows: list[int]) -> None:
    """Leave in the work folder where each packed shard begins. rows: of each."""
    first = np.cumsum([0, *rows]).tolist()
    storage.put(storage.join(work.folder, "first_positions.json"), json.dumps(first).encode())


def run_place(work: Work, number: int) -> Done:
    """Write one shard of packed sequences to its final name."""
    plan, spans = plan_of(work.folder)
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
