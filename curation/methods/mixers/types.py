"""What mixers take: the groups of a pool, and where in the schedule the mixture stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from curation.methods.losses import LossReport
from curation.recipes.similar import nearest
from schemas.errors import RecipeError
from schemas.plan import Fit, Unit

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sizes:
    """Groups in sorted order of their labels; documents, tokens: int64[g]. unit: what the phase's budget counts."""

    labels: tuple[str, ...]
    documents: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    unit: Unit = "tokens"
    merged: Mapping[str, Merged] = field(default_factory=dict)
    """Groups that stand for several, which keep their shares of it."""

    @property
    def held(self) -> npt.NDArray[np.int64]:
        """What each group holds, in the unit: int64[g]. What mixers weigh, so that records are mixed by records."""
        return self.documents if self.unit == "records" else self.tokens

    @property
    def room(self) -> Weights:
        """What each group can give at one pass: float64[g]; of a merged one, until the first of its groups has given all."""
        room = self.held.astype(float)
        for label, of in self.merged.items():
            room[self.labels.index(label)] = (of.held / of.shares).min()
        return room

    def summed(self, groups: Mapping[str, npt.ArrayLike], merged: Mapping[str, Merged] | None = None) -> Sizes:
        """Groups of these groups: label -> places of those it is made of."""
        labels = tuple(sorted(groups))
        documents, tokens = (
            np.array([of[np.asarray(groups[label])].sum() for label in labels]) for of in (self.documents, self.tokens)
        )
        return Sizes(labels, documents, tokens, self.unit, merged or {})

    def columns(self) -> list[str]:
        """The columns of a table of mixtures, of which ``mixtures`` makes the groups'."""
        return [
            one for label in self.labels for one in (self.merged[label].labels if label in self.merged else (label,))
        ]

    def mixtures(self, table: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Weights of each row of a table: float64[n, g]; those of merged groups are added."""
        parts = [
            table.select(self.merged[label].labels if label in self.merged else [label]).to_numpy().sum(axis=1)
            for label in self.labels
        ]
        return np.column_stack(parts)


@dataclass(frozen=True)
class Merged:
    """Groups that count as one: their labels, their shares of it and what each holds, in the phase's unit."""

    labels: tuple[str, ...]
    shares: Weights
    held: Weights


@dataclass(frozen=True)
class MixContext:
    """What a mixer may know besides the groups.

    budget: of the phase, in the unit of its groups. losses: the trainer's report. held: the weights by label of
    the phase or release before. elsewhere: groups of the whole pool that this phase does not draw from; a report may tell of
    them. first_round: of `rounds`, which starts without a report. group: that the mixture is inside of; ``budget`` is then
    what it gets. place: in the recipe. fits: what fitted mixers leave of their ``check``.
    """

    budget: float = float("inf")
    seed: int = 0
    losses: LossReport | None = None
    held: Mapping[str, float] | None = None
    elsewhere: tuple[str, ...] = ()
    first_round: bool = False
    group: str = ""
    place: str = "mixture"
    fits: list[Fit] = field(default_factory=list)


def normalised(weights: Weights) -> Weights:
    """Weights float64[g] that sum to 1."""
    return weights / weights.sum()


def softmax(exponents: Weights) -> Weights:
    """exp(x) / Σ exp(x), without overflow: float64[g].

    >>> softmax(np.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    return normalised(np.exp(exponents - exponents.max()))


def proportions(sizes: Sizes) -> Weights:
    """The natural proportions of the groups, in the phase's unit: float64[g]."""
    return sizes.held / sizes.held.sum()


def start_weights(sizes: Sizes, start: Literal["uniform", "proportional"]) -> Weights:
    """What an online mixture begins with, float64[g]."""
    return proportions(sizes) if start == "proportional" else np.full(len(sizes.labels), 1 / len(sizes.labels))


def numbers(labels: Iterable[str]) -> Weights | None:
    """Labels that all are finite numbers as such: float64[g]; else None."""
    try:
        found = np.array([float(label) for label in labels])
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def ascending(labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """The order of labels that are steps, lowest first: as numbers where all are, else as text. int64[g]"""
    found = numbers(labels)
    return np.argsort(np.array(labels, dtype=object) if found is None else found, kind="stable")


def by_label(sizes: Sizes, weights: Mapping[str, float]) -> Weights:
    """Weights by label as float64[g]; a group that is not named has 0."""
    return np.array([weights.get(label, 0.0) for label in sizes.labels])


def check_labels(sizes: Sizes, named: Iterable[str], by: str, place: str) -> None:
    """Raises RecipeError for a label that no document of the pool has."""
    for label in named:
        if label not in sizes.labels:
            raise RecipeError(place, f"no document has the label {label!r} of {by!r}{nearest(label, sizes.labels)}")


def check_sum(weights: Iterable[float], place: str) -> None:
    """Raises RecipeError for weights that do not sum to 1 (within 1e-6)."""
    total = sum(weights)
    if abs(total - 1) > 1e-6:
        raise RecipeError(place, f"the weights sum to {total:.9g}; they must sum to 1")


def without_losses(sizes: Sizes, start: Weights, refuse: bool, context: MixContext) -> Weights:
    """What an online mixture does with no loss report. Raises RecipeError where it is to refuse."""
    if context.first_round:
        return start
    if refuse:
        raise RecipeError(
            context.place,
            "this mixture follows a loss report and there is none: give --losses FILE, or set without_losses: hold",
        )
    if context.held is None:
        return start
    held = by_label(sizes, context.held)
    return normalised(held) if held.sum() > 0 else start
