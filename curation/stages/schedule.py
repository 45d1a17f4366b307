"""*schedule*: (pool, plan, seed) to the ordered list of documents. A pure function over arrays, never text.

Every draw is by a key from (seed, phase, pass, id), so that neither the order of files nor the number of workers
moves a document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curation import orders, seeds
from curation.sorting import order_by, place_in_run
from curation.stages.pool import Pool
from schemas.errors import RunError
from schemas.plan import Plan, PlannedPhase

Int = npt.NDArray[np.int64]
WHOLE_WITHIN = 0.51
"""Tokens that a target may lack for a whole pass: budgets are whole tokens, and what groups before owe breaks no pass."""


@dataclass(frozen=True)
class Schedule:
    """Row i is position i: the document (row of the pool), the phase (index into the plan) and the epoch."""

    document: npt.NDArray[np.int32]
    phase: npt.NDArray[np.int16]
    epoch: npt.NDArray[np.int32]
    notes: tuple[tuple[str, ...], ...]


def schedule(pool: Pool, plan: Plan, *, seed: int) -> Schedule:
    """The training order. Raises RunError where nothing could be drawn at all."""
    used = np.zeros(len(pool), dtype=bool)
    documents: list[npt.NDArray[np.int32]] = []
    phases: list[npt.NDArray[np.int16]] = []
    notes: list[tuple[str, ...]] = []
    for index, phase in enumerate(plan.phases):
        drawn, said = _draw(pool, phase, used, seed)
        if phase.disjoint:
            used[drawn] = True
        documents.append(drawn.astype(np.int32))
        phases.append(np.full(len(drawn), index, dtype=np.int16))
        notes.append((*phase.notes, *said))
    document = np.concatenate(documents) if documents else np.zeros(0, dtype=np.int32)
    if not len(document):
        raise RunError("schedule", "no phase takes any document; the budgets are smaller than any document")
    return Schedule(document, np.concatenate(phases), occurrences(document), tuple(notes))


def occurrences(document: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """How often each entry's document stood before it: int32[n]."""
    by_document = np.argsort(document, kind="stable")
    result = np.empty(len(document), dtype=np.int32)
    result[by_document] = place_in_run(document[by_document])
    return result


def _draw(pool: Pool, phase: PlannedPhase, used: npt.NDArray[np.bool_], seed: int) -> tuple[Int, list[str]]:
    """The phase's documents in its order: int64 rows of the pool, and what was not as planned."""
    mask = pool.mask(phase.pool, seed=seed, phase=phase.name, place=phase.place)
    if phase.disjoint:
        mask &= ~used
    rows = np.flatnonzero(mask)
    if phase.takes_rest:
        return _in_order(pool, phase, rows, np.zeros(len(rows), dtype=np.int64), seed), []
    cost = np.ones(len(rows)) if phase.unit == "records" else pool.tokens_in(phase.conditioning)[rows].astype(float)
    codes = pool.codes(phase.by, phase.labels)[rows]
    targets = np.array(phase.targets)
    said: list[str] = []
    if phase.disjoint:
        have = np.bincount(codes, weights=cost, minlength=len(targets)).astype(np.float64)
        targets, moved = _within(targets, have)
        if moved:
            said.append("some groups had too few documents left for their share; others took it over")
    taken: list[Int] = []
    passes: list[Int] = []
    owed = 0.0
    for label in range(len(phase.labels)):
        mine = codes == label
        members = rows[mine]
        picked, copies, owed = _take(
            pool,
            members,
            cost[mine],
            targets[label],
            owed,
            phase.draw or phase.name,
            phase.labels[label],
            seed,
        )
        taken.append(picked)
        passes.append(copies)
    del cost, codes, rows  # what is drawn is all that ordering needs
    drawn, number = np.concatenate(taken), np.concatenate(passes)
    taken.clear()
    passes.clear()
    return _in_order(pool, phase, drawn, number, seed), said


def _take(
    pool: Pool,
    members: Int,
    cost: npt.NDArray[np.float64],
    target: float,
    owed: float,
    draw: str,
    label: str,
    seed: int,
) -> tuple[Int, Int, float]:
    """Documents of one group until the target is met to the nearest document; whole passes first, each document once.

    owed: what the groups before took too little (negative: too much); it moves the last, broken pass only. Returns
    rows, the pass of each, and what is owed now.
    """
    total = float(cost.sum())
    if not len(members) or target <= 0 or total == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), owed
    picked: list[Int] = [members[:0]]
    copies: list[Int] = [np.zeros(0, dtype=np.int64)]
    whole = int(target / total * (1 + 1e-12))
    if (whole + 1) * total - target < WHOLE_WITHIN:
        whole += 1
    for number in range(whole):
        picked.append(members)
        copies.append(np.full(len(members), number, dtype=np.int64))
    rest = target + owed - whole * total
    if rest > 0 and target > whole * total:
        key = seeds.keys(seed, draw, "draw", label, whole, ids=pool.ids[members])
        order = order_by(pool.ids[members], key)
        reached = np.cumsum(cost[order])
        number_taken = int(np.searchsorted(reached, rest, side="right"))
        if number_taken < len(order):
            before = reached[number_taken - 1] if number_taken else 0.0
            if reached[number_taken] - rest <= rest - before:
                number_taken += 1
        picked.append(members[order[:number_taken]])
        copies.append(np.full(number_taken, whole, dtype=np.int64))
        rest -= reached[number_taken - 1] if number_taken else 0.0
    return np.concatenate(picked), np.concatenate(copies), rest


def _within(targets: npt.NDArray[np.float64], have: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], bool]:
    """Targets cut to what is left, the excess spread over the others in proportion to their targets."""
    if (targets <= have + 0.5).all():
        return targets, False
    wanted, result = targets.sum(), np.minimum(targets, have)
    for _ in range(len(targets)):
        missing, room = wanted - result.sum(), have - result
        open_ = room > 1e-9
        if missing <= 1e-9 or not open_.any():
            break
        share = np.where(open_, np.maximum(targets, 1e-12), 0.0)
        result = np.minimum(have, result + missing * share / share.sum())
    return result, True


def _in_order(pool: Pool, phase: PlannedPhase, rows: Int, passes: Int, seed: int) -> Int:
    """The drawn rows in the phase's order; whole passes follow one another where the budget counts passes."""
    ordered: list[Int] = []
    for number in np.unique(passes) if phase.passes else [-1]:
        chosen = rows[passes == number] if phase.passes else rows
        copies = None if phase.passes else passes
        keys = pool.order_keys(chosen, copies, orders.names_of(phase.order).values())
        name = f"{phase.name}/{number}" if phase.passes and number else phase.name
        place = f"{phase.place}.order"
        ordered.append(chosen[orders.arrange(keys, phase.order, seed=seed, phase=name, place=place)])
    return np.concatenate(ordered) if ordered else np.zeros(0, dtype=np.int64)
