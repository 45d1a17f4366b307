"""What *plan* hands to *schedule*: phases with their weights and budgets, no text and no documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from schemas.formatters import Conditioning
from schemas.mixers import Rounding
from schemas.orders import Order
from schemas.phases import Pool

Unit = Literal["tokens", "records"]


@dataclass(frozen=True)
class Fit:
    """A fitted mixture beside runs that it was not fitted to: how many it was, how many were checked, and of these Spearman's rank
    correlation and the mean absolute error of the loss; null where what is foretold is no loss, or all are alike."""

    runs: int
    checked: int
    rank_correlation: float | None
    mean_absolute_error: float | None
    predicted: tuple[float, ...] = ()
    seen: tuple[float, ...] = ()


@dataclass(frozen=True)
class Course:
    """Weights that move over a phase: those at its start and at its end, by label in order, and how they get there."""

    shape: Literal["linear", "cosine", "step"]
    at: float
    start: tuple[float, ...]
    end: tuple[float, ...]


@dataclass(frozen=True)
class PlannedPhase:
    """One phase, ready to draw.

    ``targets`` are in ``unit`` and follow ``labels``; ``passes`` holds when the budget counts whole passes, which
    then follow one another; ``disjoint`` when the phase may not take what an earlier such phase took. ``whole``: of
    phases by share that draw from one pool, the tokens of one pass over it, each part in the format it is written in.
    """

    name: str
    place: str
    pool: Pool
    by: str | None
    labels: tuple[str, ...]
    weights: tuple[float, ...]
    targets: tuple[float, ...]
    unit: Unit
    budget: dict[str, int | float | str]
    order: Order
    conditioning: Conditioning | None
    exhausted: Literal["repeat", "redistribute", "stop"]
    max_epochs: float | None
    rounding: Rounding = "largest_remainder"
    draw: str | None = None
    disjoint: bool = False
    takes_rest: bool = False
    whole: float | None = None
    held: tuple[float, ...] = ()
    """What each group holds, in ``unit``."""
    fresh: bool = False
    """What earlier releases drew least often is drawn first."""
    fit: Fit | None = None
    course: Course | None = None
    passes: bool = False
    apart: bool = False
    """What one group gives too little or too much no other makes up for: copies are as planned, to a document."""
    pools: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of a mixture of pools: each pool's name and labels, in its order; orders find it under the name `pool`."""
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Plan:
    """The phases in training order, and those that are written beside the shards."""

    phases: tuple[PlannedPhase, ...]
    evaluation: tuple[PlannedPhase, ...] = ()
