"""The schedule cut into shards, and each shard into chunks, which become its row groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curation.mixture.pool import Pool
from curation.mixture.schedule import Schedule
from schemas.plan import Plan, PlannedPhase
from schemas.shards import Shards

ROWS_PER_GROUP = 4096
"""Rows a Parquet row group: small enough to seek in, large enough to compress."""
CHUNK_BYTES = 32_000_000
"""Text bytes of a row group at most (but for one document that is larger): what writing holds, several times over."""


@dataclass(frozen=True)
class ShardSpan:
    """One shard: places [first, last) of the schedule, all of one phase. chunks: where its row groups begin.

    The evaluations' places follow those of training, and so do their phases; their positions count from ``shift``.
    """

    number: int
    first: int
    last: int
    phase: int
    chunks: tuple[int, ...]
    path: str
    shift: int = 0

    @property
    def trained(self) -> bool:
        """Whether it is one of training, not of an evaluation."""
        return self.path.startswith("shards/")


def chunk_bytes(shards: Shards) -> int:
    """Text bytes of a row group, fewer where columns stand beside its tokens: these are held with it."""
    numbers = sum(width or 1 for _, width in shards.token_types().values())
    return CHUNK_BYTES // (1 + numbers)


def shards_of(
    schedule: Schedule, pool: Pool, plan: Plan, *, max_bytes: int, chunk_bytes: int = CHUNK_BYTES
) -> list[ShardSpan]:
    """Cut the schedule where a phase ends or ``max_bytes`` of text are reached, then the evaluations; a shard holds at least
    one row, and so does each of its chunks of ``chunk_bytes``."""
    most = max_bytes, chunk_bytes
    spans = _spans_of(schedule, pool, plan.phases, most, [], "shards")
    if schedule.evaluation is not None:
        spans += _spans_of(schedule.evaluation, pool, plan.evaluation, most, spans, "evaluation", len(plan.phases))
    return spans


def _spans_of(
    schedule: Schedule,
    pool: Pool,
    phases: tuple[PlannedPhase, ...],
    most: tuple[int, int],
    before: list[ShardSpan],
    folder: str,
    first_phase: int = 0,
) -> list[ShardSpan]:
    """The shards of one schedule, to be written to ``folder``, behind those before. most: bytes of a shard, of a chunk."""
    shift = before[-1].last if before else 0
    spans: list[ShardSpan] = []
    for index, phase in enumerate(phases):
        rows = np.flatnonzero(schedule.phase == index)
        if not len(rows):
            continue
        first, end = int(rows[0]), int(rows[-1]) + 1
        reached = np.cumsum(pool.bytes_in(phase.conditioning)[schedule.document[first:end]])
        first += shift
        for start, stop in cuts(reached, 0, len(reached), most[0], len(reached)):
            chunks = tuple(first + a for a, _ in cuts(reached, start, stop, most[1], ROWS_PER_GROUP))
            path = f"{folder}/{len(spans):05d}.parquet"
            number = len(before) + len(spans)
            spans.append(ShardSpan(number, first + start, first + stop, first_phase + index, chunks, path, shift))
    return spans


def cuts(
    reached: npt.NDArray[np.int64], start: int, end: int, max_bytes: int, max_rows: int
) -> Iterator[tuple[int, int]]:
    """[start, end) in pieces of so many bytes and rows at most; each holds at least one row. reached: bytes up to a row."""
    while start < end:
        before = int(reached[start - 1]) if start else 0
        stop = max(int(np.searchsorted(reached, before + max_bytes, side="right")), start + 1)
        stop = min(stop, start + max_rows, end)
        yield start, stop
        start = stop
