"""*schedule*: (pool, plan, seed) to the ordered list of documents. A pure function over arrays, never text.

Every draw is by a key from (seed, phase, pass, id), so that neither the order of files nor the number of workers
moves a document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by, place_in_run
from curation.methods import orders
from curation.methods.mixers.moving import places
from curation.mixture.pool import Labels, Pool
from schemas.errors import RunError
from schemas.orders import POOL
from schemas.phases import Phase
from schemas.plan import Plan, PlannedPhase

Int = npt.NDArray[np.int64]
DRAWS = 24
"""Draws at most until phases by share have theirs of what is written; a pool of one format needs one, a large one some."""
NEAR = 1e-6
"""Of what is written: nearer than this, no other draw is tried."""
WHOLE_WITHIN = 0.51
"""Tokens that a target may lack for a whole pass: budgets are whole tokens, and what groups before owe breaks no pass."""


@dataclass(frozen=True)
class Schedule:
    """Row i is position i: the document (row of the pool), the phase (index into the plan) and the epoch."""

    document: npt.NDArray[np.int32]
    phase: npt.NDArray[np.int16]
    epoch: npt.NDArray[np.int32]
    notes: tuple[tuple[str, ...], ...]
    evaluation: Schedule | None = None
    """What is written beside the shards: phase is then the index into the plan's evaluations."""

    def totals(self) -> Totals:
        """What is left to know of it once it stands beside the partitions."""
        evaluated = 0 if self.evaluation is None else len(self.evaluation.document)
        return Totals(len(self.document), len(np.unique(self.document)), evaluated, self.notes)


@dataclass(frozen=True)
class Totals:
    """rows: of the shards; documents: different ones among them; evaluated: rows of the evaluations; notes: of each phase."""

    rows: int
    documents: int
    evaluated: int
    notes: tuple[tuple[str, ...], ...]


def held_out(pool: Pool, evaluations: Iterable[tuple[Phase | PlannedPhase, str]], seed: int) -> npt.NDArray[np.bool_]:
    """The documents that are not trained on: bool[n]. evaluations: phases with their places."""
    held = np.zeros(len(pool), dtype=bool)
    for phase, place in evaluations:
        held |= pool.mask(phase.pool, seed=seed, phase=phase.name, place=place)
    return held


def schedule(pool: Pool, plan: Plan, *, seed: int) -> Schedule:
    """The training order. Raises RunError where nothing could be drawn at all."""
    if plan.evaluation:
        beside = evaluated(pool, plan, seed)
        held = held_out(pool, [(phase, phase.place) for phase in plan.evaluation], seed)
        made = schedule(pool.without(held), replace(plan, evaluation=()), seed=seed)
        return replace(made, evaluation=beside)
    by_share = _draw_shares(pool, plan, seed)
    documents: list[npt.NDArray[np.int32]] = []
    phases: list[npt.NDArray[np.int16]] = []
    notes: list[tuple[str, ...]] = []
    for index, phase in enumerate(plan.phases):
        drawn = by_share.pop(index) if phase.disjoint else draw(pool, phase, seed)
        ordered = _in_order(pool, phase, drawn, seed)
        documents.append(ordered.astype(np.int32))
        phases.append(np.full(len(ordered), index, dtype=np.int16))
        notes.append((*phase.notes, *drawn.said))
    document = np.concatenate(documents) if documents else np.zeros(0, dtype=np.int32)
    if not len(document):
        raise RunError("schedule", "no phase takes any document; the budgets are smaller than any document")
    return Schedule(document, np.concatenate(phases), occurrences(document), tuple(notes))


def evaluated(pool: Pool, plan: Plan, seed: int) -> Schedule:
    """Every evaluation's pool, in the phase's order."""
    drawn = []
    for phase in plan.evaluation:
        rows = np.flatnonzero(pool.mask(phase.pool, seed=seed, phase=phase.name, place=phase.place))
        drawn.append(_in_order(pool, phase, Drawn(rows, None), seed))
    document = np.concatenate(drawn).astype(np.int32)
    number = np.repeat(np.arange(len(drawn), dtype=np.int16), [len(rows) for rows in drawn])
    return Schedule(document, number, occurrences(document), ())


def occurrences(document: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """How often each entry's document stood before it: int32[n]."""
    by_document = np.argsort(document, kind="stable")
    result = np.empty(len(document), dtype=np.int32)
    result[by_document] = place_in_run(document[by_document])
    return result


@dataclass(frozen=True)
class Drawn:
    """A phase's documents, not yet in order: rows of the pool, the pass of each (None: all of the first), and what was
    not as planned."""

    rows: Int
    passes: Int | None
    said: tuple[str, ...] = ()


def _draw_shares(pool: Pool, plan: Plan, seed: int) -> dict[int, Drawn]:
    """What the phases by share draw, which no two of them take; by their index in the plan.

    Where they take the whole of one pool, how much is written in all follows from which documents are written in which
    format: the plan's W is right on the average, and the draws are made again with another until each phase has its
    share of what was written, to the nearest document. W moves by Newton's step, from the slope of
    Σ s_i W + T_n (1 − Σ s_i W / T_i) − W, T_i the pool's tokens in the format of phase i and n the last phase.
    """
    shares = [index for index, phase in enumerate(plan.phases) if phase.disjoint]
    if not shares:
        return {}
    phases = [plan.phases[index] for index in shares]
    whole, last = phases[-1].whole, phases[-1]
    if whole is None or not last.takes_rest:
        return dict(zip(shares, _once(pool, phases, seed, 1.0), strict=True))
    tokens = [float(pool.tokens_in(phase.conditioning)[_mask(pool, phase, seed)].sum()) for phase in phases]
    given = [float(phase.budget["share"]) for phase in phases]
    slope = sum(s * (1 - tokens[-1] / t) for s, t in zip(given[:-1], tokens[:-1], strict=True)) - 1
    best: list[Drawn] = []
    least, scale, step = np.inf, 1.0, 1.0
    for _ in range(DRAWS):
        drawn = _once(pool, phases, seed, scale)
        sizes = [int(pool.tokens_in(p.conditioning)[d.rows].sum()) for p, d in zip(phases, drawn, strict=True)]
        written = sum(sizes)
        off = max(abs(size - share * written) for size, share in zip(sizes, given, strict=True))
        if off < least:
            least, best = off, drawn
        else:
            step /= 2  # of few documents the sum jumps: what Newton's step swings past lies between
        if abs(written - whole * scale) <= NEAR * whole:
            break
        scale -= step * (written / whole - scale) / slope
        if scale <= 0:
            break
    return dict(zip(shares, best, strict=True))


def _once(pool: Pool, phases: list[PlannedPhase], seed: int, scale: float) -> list[Drawn]:
    """One draw of the phases by share, their targets times ``scale``; each leaves something to those after it."""
    used = np.zeros(len(pool), dtype=bool)
    made: list[Drawn] = []
    for number, phase in enumerate(phases):
        drawn = draw(pool, phase, seed, used, scale)
        kept_back = _for_later(pool, phase, phases[number + 1 :], used, drawn.rows, seed, scale)
        if len(kept_back):
            without = used.copy()
            without[kept_back] = True
            drawn = draw(pool, phase, seed, without, scale)
        used[drawn.rows] = True
        made.append(drawn)
    return made


def _for_later(
    pool: Pool,
    phase: PlannedPhase,
    later: list[PlannedPhase],
    used: npt.NDArray[np.bool_],
    drawn: Int,
    seed: int,
    scale: float,
) -> Int:
    """Rows that a phase has to leave, so that none of the later phases is empty; none where enough is left anyway.

    To each later phase goes the document that is nearest to its budget; the phase itself keeps one before them.
    """
    free = ~used
    free[drawn] = False
    masks = [_mask(pool, one, seed) for one in later]
    if all(int((mask & free).sum()) >= len(later) for mask in masks):
        return np.zeros(0, dtype=np.int64)
    own = int((_mask(pool, phase, seed) & ~used).sum())
    taken: list[int] = []
    for one, mask in zip(later, masks, strict=True):
        rows = np.flatnonzero(mask & ~used)
        rows = rows[~np.isin(rows, taken)]
        if len(rows) and len(taken) + 1 < own:
            far = np.abs(pool.tokens_in(one.conditioning)[rows] - sum(one.targets) * scale)
            taken.append(int(rows[order_by(pool.ids[rows], far)[0]]))
    return np.array(taken, dtype=np.int64)


def _mask(pool: Pool, phase: PlannedPhase, seed: int) -> npt.NDArray[np.bool_]:
    return pool.mask(phase.pool, seed=seed, phase=phase.name, place=phase.place)


def draw(
    pool: Pool,
    phase: PlannedPhase,
    seed: int,
    used: npt.NDArray[np.bool_] | None = None,
    scale: float = 1.0,
) -> Drawn:
    """The phase's documents, none of ``used`` among them; targets times ``scale``. Empty only where its pool is."""
    mask = _mask(pool, phase, seed)
    if used is not None:
        mask &= ~used
    rows = np.flatnonzero(mask)
    if phase.takes_rest:
        return Drawn(rows, None)
    cost = np.ones(len(rows)) if phase.unit == "records" else pool.tokens_in(phase.conditioning)[rows].astype(float)
    codes = pool.codes(phase.by, phase.labels)[rows]
    targets = np.array(phase.targets) * scale
    held = np.bincount(codes[codes >= 0], weights=cost[codes >= 0], minlength=len(targets)).astype(np.float64)
    said: tuple[str, ...] = ()
    if phase.disjoint:
        targets, moved = _within(targets, held)
        if moved:
            said = ("some groups had too few documents left for their share; others took it over",)
    taken: list[Int] = [rows[:0]] * len(targets)
    passes: list[Int] = [rows[:0]] * len(targets)
    owed = 0.0
    counts = np.maximum(np.bincount(codes[codes >= 0], minlength=len(targets)), 1)
    for label in np.lexsort(
        (np.arange(len(targets)), -held / counts)
    ):  # small documents make up for what large ones miss
        mine = codes == label
        name = phase.labels[label]
        drawn = pool.drawn[rows[mine]] if phase.fresh and pool.drawn is not None else None
        taken[label], passes[label], owed = _take(
            pool, rows[mine], cost[mine], targets[label], owed, phase.draw or phase.name, name, seed, drawn
        )
        owed = 0.0 if phase.apart else owed
    if len(rows) and not sum(map(len, taken)):
        label = int(np.argmax(np.where(held > 0, targets, -1.0)))  # one document, the nearest to the budget
        mine, far = rows[codes == label], np.abs(cost[codes == label] - targets.sum())
        key = seeds.keys(seed, phase.draw or phase.name, "draw", phase.labels[label], 0, ids=pool.ids[mine])
        taken[label] = mine[order_by(pool.ids[mine], far, key)[:1]]
        passes[label] = np.zeros(1, dtype=np.int64)
    chosen = np.concatenate(taken)
    if phase.fresh and pool.drawn is not None and (again := int((pool.drawn[np.unique(chosen)] > 0).sum())):
        said = (*said, f"{again:,} documents of earlier releases are drawn again: there was no other in their groups")
    return Drawn(chosen, np.concatenate(passes), said)


def _take(
    pool: Pool,
    members: Int,
    cost: npt.NDArray[np.float64],
    target: float,
    owed: float,
    draw: str,
    label: str,
    seed: int,
    drawn: npt.NDArray[np.int32] | None = None,
) -> tuple[Int, Int, float]:
    """Documents of one group until the target is met to the nearest document; whole passes first, each document once.

    drawn: how often each was drawn before, where the least often drawn come first. owed: what the groups before took too
    little (negative: too much); it moves the last, broken pass only. Returns rows, the pass of each, and what is owed now.
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
    if rest > 0 and target - whole * total > 1e-6:  # a cap of whole passes is never broken
        key = seeds.keys(seed, draw, "draw", label, whole, ids=pool.ids[members])
        order = order_by(pool.ids[members], *(() if drawn is None else (drawn,)), key)
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


def _in_order(pool: Pool, phase: PlannedPhase, drawn: Drawn, seed: int) -> Int:
    """The drawn rows in the phase's order; whole passes follow one another where the budget counts passes."""
    rows, passes = drawn.rows, drawn.passes
    if passes is None:
        passes = np.zeros(len(rows), dtype=np.int64)
    ordered: list[Int] = []
    for number in np.unique(passes) if phase.passes else [-1]:
        chosen = rows[passes == number] if phase.passes else rows
        copies = None if phase.passes else passes
        keys = pool.order_keys(chosen, copies, orders.names_of(phase.order).values())
        if phase.pools and POOL not in keys.columns:
            keys = replace(keys, columns={**keys.columns, POOL: _pools(pool, phase, chosen)})
        name = f"{phase.name}/{number}" if phase.passes and number else phase.name
        place = f"{phase.place}.order"
        ordered.append(chosen[orders.arrange(keys, phase.order, seed=seed, phase=name, place=place)])
    made = np.concatenate(ordered) if ordered else np.zeros(0, dtype=np.int64)
    if phase.course is None or not len(made):
        return made
    amounts = np.ones(len(made)) if phase.unit == "records" else pool.tokens_in(phase.conditioning)[made].astype(float)
    return made[places(phase.course, pool.codes(phase.by, phase.labels)[made], amounts)]


def _pools(pool: Pool, phase: PlannedPhase, rows: Int) -> Labels:
    """The pool of the phase's mixture that each row is of, names in the mixture's order."""
    of = {label: number for number, (_, labels) in enumerate(phase.pools) for label in labels}
    number_of = np.array([*(of.get(label, -1) for label in phase.labels), -1], dtype=np.int32)
    return Labels(number_of[pool.codes(phase.by, phase.labels)[rows]], tuple(name for name, _ in phase.pools))
