"""How a run keeps within `engine.memory`: how many tasks there are at once, how much text each has in hand, how a file is cut.

The figures are measured (`python -m tests.benchmarks.memory`): what a process holds before there is any text, and what cleaning
and writing take on top. What planning takes goes by documents, not by text, and comes besides.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from schemas.engine import Engine
from schemas.errors import RecipeError

PROCESS_BYTES = 600_000_000
"""A process with its libraries, models and compiled kernels."""
TASK_BYTES = 150_000_000
"""A task at least: writing holds a row group (``mixture.spans.CHUNK_BYTES``) several times over."""
COPIES = 30
"""Cleaning holds the text in hand so many times over."""
BATCH_BYTES = 4_000_000
"""Text in hand: more makes nothing faster."""


@dataclass(frozen=True)
class Bounds:
    """What an engine's memory comes to."""

    workers: int
    """Tasks at once, on one machine."""
    batch_bytes: int
    """Text that a task of *prepare* has in hand."""
    partition_bytes: int
    """Text of a partition: a task holds some bytes a document of it."""


def bounds(engine: Engine) -> Bounds:
    """Raises RecipeError where not even one task finds room."""
    workers = engine.workers or os.cpu_count() or 1
    if engine.memory is None:
        return Bounds(workers, BATCH_BYTES, engine.partition_bytes)
    if engine.kind == "threads":
        workers = min(workers, (engine.memory - PROCESS_BYTES) // TASK_BYTES)
        share = (engine.memory - PROCESS_BYTES) // max(workers, 1)
        least = PROCESS_BYTES + TASK_BYTES
    elif engine.address is None:  # this process and one for each worker
        workers = min(workers, (engine.memory - PROCESS_BYTES) // (PROCESS_BYTES + TASK_BYTES))
        share = (engine.memory - PROCESS_BYTES) // max(workers, 1) - PROCESS_BYTES
        least = 2 * PROCESS_BYTES + TASK_BYTES
    else:  # a worker of the cluster
        share = engine.memory - PROCESS_BYTES
        least = PROCESS_BYTES + TASK_BYTES
    if share < TASK_BYTES:
        raise RecipeError(
            "engine.memory",
            f"{engine.memory:,} bytes are too few for one task of kind: {engine.kind}; give at least {least // 1_000_000}MB",
        )
    return Bounds(workers, min(BATCH_BYTES, share // COPIES), min(engine.partition_bytes, share))
