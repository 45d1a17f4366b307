"""A stream of tasks with replay of pre-training data and of a buffer (FoMo-in-Flux, Roth et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from curation import seeds
from curation.methods.schedules.types import ScheduleContext, phase_of
from curation.recipes.similar import nearest
from schemas.errors import RecipeError
from schemas.mixers import Pools
from schemas.phases import Phase
from schemas.schedules import Stream


def stream(params: Stream, context: ScheduleContext) -> list[Phase]:
    """One phase a task: its own entries, the pre-training pool, and a buffer of all tasks before.

    Raises RecipeError for a label that no document has, an entry without a value or vector, and more tasks than entries.
    """
    known = context.sizes(params.pool, params.by).labels
    place = context.place
    for field, labels in (("entries", params.entries or []), ("pretraining", params.pretraining)):
        for label in labels:
            if label not in known:
                raise RecipeError(f"{place}.{field}", f"no document has the label {label!r}{nearest(label, known)}")
    entries = [x for x in (params.entries if params.entries is not None else known) if x not in params.pretraining]
    tasks = tasks_of(params, sequenced(params, entries, context), place)
    phases = []
    for number, task in enumerate(tasks):
        pools = {"pretraining": params.pretraining, "update": task, "buffer": [x for t in tasks[:number] for x in t]}
        phases.append(
            phase_of(
                params,
                number + 1,
                tokens=params.tokens,
                records=params.records,
                mixture=Pools(
                    method="pools",
                    by=params.by,
                    pools={pool: pools[pool] for pool in params.weights},
                    weights=dict(params.weights),
                    max_epochs=params.max_epochs,
                    rounding=params.rounding,
                ),
            )
        )
    return phases


def tasks_of(params: Stream, entries: list[str], place: str) -> list[list[str]]:
    """The entries cut to tasks."""
    if params.sequence == "dataset":
        return by_dataset(entries, params.separator)
    if params.tasks > len(entries):
        raise RecipeError(f"{place}.tasks", f"{params.tasks} tasks of {len(entries)} entries; lower it")
    return chunks(entries, params.tasks)


def chunks(entries: Sequence[str], tasks: int) -> list[list[str]]:
    """n entries to T tasks: the first n mod T get one more.

    >>> [len(task) for task in chunks("abcdefghij", 3)]
    [4, 3, 3]
    """
    base, more = divmod(len(entries), tasks)
    ends = np.cumsum([0, *(base + (task < more) for task in range(tasks))]).tolist()
    return [list(entries[a:b]) for a, b in pairwise(ends)]


def by_dataset(entries: Sequence[str], separator: str) -> list[list[str]]:
    """A task opens where a data set is first met; one that is met again later stays with the task then current."""
    tasks: list[list[str]] = []
    met: set[str] = set()
    for entry in entries:
        dataset = entry.split(separator, 1)[0]
        if dataset not in met:
            met.add(dataset)
            tasks.append([])
        tasks[-1].append(entry)
    return tasks


def sequenced(params: Stream, entries: list[str], context: ScheduleContext) -> list[str]:
    """The entries in the stream's order, ties by label."""
    if params.sequence == "given" or (params.sequence == "dataset" and params.entries is not None):
        return entries
    if params.sequence in ("random", "dataset"):
        draws = {entry: seeds.rng(context.seed, params.name, "stream", entry).random() for entry in entries}
        return sorted(entries, key=lambda entry: (draws[entry], entry))
    field = "vectors" if params.sequence == "similarity" else "values"
    given: Mapping[str, object] = getattr(params, field)
    for entry in entries:
        if entry not in given:
            raise RecipeError(f"{context.place}.{field}", f"no number for the entry {entry!r}")
    if params.sequence == "similarity":
        return similar(entries, params.vectors)
    sign = -1 if params.sequence == "easy_to_hard" else 1
    return sorted(entries, key=lambda entry: (sign * params.values[entry], entry))


def similar(entries: Sequence[str], vectors: Mapping[str, Sequence[float]]) -> list[str]:
    """From the first entry on, always the nearest that is left (Euclidean), ties by label."""
    left = sorted(entries[1:])
    result = list(entries[:1])
    while left:
        here = np.array(vectors[result[-1]])
        distances = [float(((np.array(vectors[entry]) - here) ** 2).sum()) for entry in left]
        result.append(left.pop(int(np.argmin(distances))))
    return result
