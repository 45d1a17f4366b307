"""*references*: each run of a swarm as the rows of the swarm's texts that it reads, in order, at their final names.

``leave_swarm`` leaves in the work folder what each run draws, and where its documents stand in the texts; ``run`` runs once a run,
when the texts are written: it counts what they came to, and writes ``runs/<run>`` with its shard and its manifest.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import TypeAdapter

from curation import storage
from curation.mixture import swarm as swarm_module
from curation.mixture.pool import Pool
from curation.mixture.schedule import Schedule, occurrences
from curation.mixture.spans import CHUNK_BYTES, ROWS_PER_GROUP, cuts
from curation.mixture.swarm import Asked, Swarm
from curation.releases.home import as_json
from curation.releases.shard_file import ShardFile, tokens_in
from curation.releases.work import Done, Work
from schemas.manifest import Amount, PhaseRecord, RunOfSwarm, Shard, SwarmRun
from schemas.manifest import Swarm as SwarmRecord
from schemas.plan import Plan, PlannedPhase
from schemas.tables import REFERENCES, SWARM

DRAWN = pa.schema([("document", pa.int32()), ("pass", pa.int16())])
"""What a run draws: the row of the pool, and the pass over its group."""
PLACED = pa.schema([("position", pa.int32()), ("group", pa.int32()), ("bytes", pa.int64())])
"""Each document of the pool: its position in the texts (-1: no run reads it), its group, the bytes of its text."""
ENCODING = {"position": "DELTA_BINARY_PACKED", "row": "DELTA_BINARY_PACKED"}
RUNS = TypeAdapter(Plan)


def leave_draws(work: Work, pool: Pool, swarm: Swarm) -> npt.NDArray[np.bool_]:
    """Leave in the work folder what each run draws; the documents that any of them does, bool[n]."""
    used = np.zeros(len(pool), dtype=bool)
    for number, drawn in enumerate(swarm_module.drawn_by(pool, work.recipe, swarm)):
        passes = np.zeros(len(drawn.rows)) if drawn.passes is None else drawn.passes
        table = pa.table([drawn.rows.astype(np.int32), passes.astype(np.int16)], schema=DRAWN)
        storage.put_arrow(work.path("drawn", number, "arrow"), table)
        used[drawn.rows] = True
    return used


def leave_swarm(work: Work, pool: Pool, swarm: Swarm, texts: Schedule) -> None:
    """Leave in the work folder where each document of the pool stands in the texts, and the runs' plans."""
    first = swarm.phases[0]
    position = np.full(len(pool), -1, dtype=np.int32)
    position[texts.document] = np.arange(len(texts.document), dtype=np.int32)
    group = pool.codes(first.by, first.labels).astype(np.int32)
    columns = [position, group, pool.bytes_in(first.conditioning)]
    storage.put_arrow(storage.join(work.folder, "placed.arrow"), pa.table(columns, schema=PLACED))
    storage.put(storage.join(work.folder, "runs.json"), RUNS.dump_json(Plan(swarm.phases)))


@lru_cache(maxsize=1)
def _placed(folder: str) -> tuple[pa.Table, tuple[PlannedPhase, ...]]:
    table = storage.read_arrow(storage.join(folder, "placed.arrow"))
    return table, RUNS.validate_json(storage.read_bytes(storage.join(folder, "runs.json"))).phases


@lru_cache(maxsize=1)
def _tokens_of(release: str) -> npt.NDArray[np.int32]:
    folder = storage.join(release, "shards")
    return tokens_in([storage.join(folder, name) for name in sorted(storage.list_folder(folder))])


def run(work: Work, number: int) -> Done:
    """Write one run. Its counts: of a RunOfSwarm."""
    placed, phases = _placed(work.folder)
    phase = phases[number]
    tokens = _tokens_of(work.release)
    drawn = storage.read_arrow(work.path("drawn", number, "arrow"))
    documents, passes = drawn["document"].to_numpy(), drawn["pass"].to_numpy().astype(np.int64)
    rows = placed["position"].to_numpy()[documents].astype(np.int64)
    order = swarm_module.in_order(rows, passes, len(tokens))
    documents, rows = documents[order], rows[order]
    groups = placed["group"].to_numpy()[documents]
    folder = f"runs/{number:03d}"
    path = storage.join(work.release, folder, "shards", "00000.parquet")
    columns = [np.arange(len(rows)), [phase.name] * len(rows), occurrences(documents), rows]
    table = pa.table([pa.array(one) for one in columns], schema=REFERENCES)
    reached = np.cumsum(placed["bytes"].to_numpy()[documents])
    with ShardFile(path, work.recipe.shards, column_encoding=ENCODING, use_dictionary=["phase", "epoch"]) as file:
        for start, stop in cuts(reached, 0, len(rows), CHUNK_BYTES, ROWS_PER_GROUP):
            file.write(table.slice(start, stop - start))
    counts = np.bincount(groups, minlength=len(phase.labels))
    sums = np.bincount(groups, weights=tokens[rows], minlength=len(phase.labels)).astype(np.int64)
    made = _manifest(work, folder, phase, counts, sums, file)
    data = as_json(made.model_dump(mode="json"))
    manifest = storage.join(work.release, folder, "manifest.json")
    storage.put(manifest, data)
    record = RunOfSwarm(path=folder, rows=len(rows), sha256=hashlib.sha256(data).hexdigest())
    return Done(record.model_dump(), [path, manifest])


def _manifest(
    work: Work,
    folder: str,
    phase: PlannedPhase,
    counts: npt.NDArray[np.int64],
    sums: npt.NDArray[np.int64],
    file: ShardFile,
) -> SwarmRun:
    told: dict[str, Any] = json.loads(storage.read_bytes(storage.join(work.folder, "swarm.json")))
    realised = {
        label: Amount(documents=int(n), tokens=int(t))
        for label, n, t in zip(phase.labels, counts, sums, strict=True)
        if n
    }
    shard = Shard(
        path="shards/00000.parquet",
        rows=int(counts.sum()),
        tokens=int(sums.sum()),
        bytes=file.bytes,
        sha256=file.digest.hexdigest(),
        phase=phase.name,
        first_position=0,
    )
    record = PhaseRecord(
        name=phase.name,
        budget=phase.budget,
        weights=dict(zip(phase.labels, phase.weights, strict=True)),
        realised=realised,
        by=phase.by,
        notes=list(phase.notes),
    )
    name = storage.name(work.release)
    return SwarmRun(**told, release=f"{name}/{folder}", phases=[record], shards=[shard])


def leave_told(work: Work, recipe_hash: str, created: str, token_unit: str) -> None:
    """Leave what every run's manifest repeats."""
    plain = {"recipe_hash": recipe_hash, "created": created, "token_unit": token_unit}
    storage.put(storage.join(work.folder, "swarm.json"), json.dumps(plain).encode())


def write_table(work: Work, swarm: Swarm, asked: Asked, runs: list[dict[str, Any]]) -> SwarmRecord:
    """Write ``swarm.parquet``; what the manifest says of the swarm."""
    name = storage.name(work.release)
    labels = swarm.labels
    weights = np.array([phase.weights for phase in swarm.phases])
    n, g = weights.shape
    columns = [
        pa.array(np.repeat(np.arange(n), g), pa.int32()),
        pa.array([f"{name}/{one['path']}" for one in runs for _ in labels], pa.string()),
        pa.array([*labels] * n, pa.string()),
        pa.array(weights.ravel(), pa.float64()),
    ]
    storage.put_table(storage.join(work.release, "swarm.parquet"), pa.table(columns, schema=SWARM))
    return SwarmRecord(
        phase=swarm.phases[0].name,
        by=swarm.phases[0].by or "",
        tokens=asked.tokens,
        draw=swarm.draw,
        runs=[RunOfSwarm(**one) for one in runs],
    )
