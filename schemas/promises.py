"""Promises: what a release must show for its recipe to have done what its name says. Told apart by `check`.

Each is held against the release alone: its shards, its manifest, its ledger. None of them decides what a run writes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.filters import Bounds, Filter
from schemas.formatters import template_parts
from schemas.section import Section

Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Within = Annotated[float, Field(ge=0)]
Unit = Literal["documents", "tokens"]


class OfPhases(Section):
    """What every promise has."""

    says: str = ""
    """The promise in words, as report and `syllabus methods` show it."""
    phases: Annotated[list[Name], Field(min_length=1)] | None = None
    """The phases that are looked at: names, or beginnings of names with a star (`round-*`); null: all that are trained on."""
    when: Literal["always", "report", "no_report"] = "always"
    """In which releases it is looked at: all, those that followed a loss report, or those without."""


class Sizes(OfPhases):
    """Phases hold so much."""

    check: Literal["sizes"]
    """Sizes of phases."""
    sizes: Annotated[dict[Name, float], Field(min_length=1)]
    """What each phase holds: a number, or with `of` a part."""
    of: Literal["pool", "release"] | None = None
    """Sizes are parts of what the pool holds, or of what is written; null: numbers."""
    unit: Unit = "documents"
    """What is counted."""
    within: Within = 0.01
    """How far off a part may be; of a number, as a part of it."""


class ShareOfPhase(OfPhases):
    """The documents that match filters have a share of each phase."""

    check: Literal["share"]
    """A share of each phase."""
    where: Annotated[dict[Name, Filter], Field(min_length=1)]
    """Filters on columns of the shards, as in a pool's `where`."""
    share: Share | None = None
    """Their share."""
    min: Share | None = None
    """Their least share."""
    max: Share | None = None
    """Their greatest share."""
    unit: Unit = "documents"
    """What the share is of."""
    within: Within = 0.0
    """How far off the share may be."""

    @model_validator(mode="after")
    def _asks(self) -> ShareOfPhase:
        if (self.share is None) == (self.min is None and self.max is None):
            raise ValueError("give share, or min, max or both")
        return self


class MixtureOfPhase(OfPhases):
    """Each phase is mixed as it should be."""

    check: Literal["mixture"]
    """The mixture of each phase."""
    by: Name
    """A column of the shards."""
    weights: dict[str, Annotated[float, Field(ge=0)]] | Literal["planned", "even", "pool"]
    """Parts of the phase by label, in any scale; planned: the manifest's weights; even: alike; pool: what the pool holds."""
    power: float = 1.0
    """The exponent that the weights are raised to: 0.5 is a temperature of 2."""
    unit: Unit = "tokens"
    """What the parts are of."""
    within: Within = 0.02
    """How far off each part may be."""


class Weights(OfPhases):
    """The weights that the manifest says each phase was planned with."""

    check: Literal["weights"]
    """Planned weights."""
    weights: dict[str, float] = {}
    """Weights by label."""
    ranked: list[Annotated[float, Field(ge=0)]] = []
    """All weights from the greatest on, as parts of the greatest: [1, 0.5, 0.3333] is Zipf's law."""
    greatest: list[str] = []
    """The labels with the greatest weights, the greatest first."""
    at_least: dict[str, float] = {}
    """The least weights by label."""
    within: Within = 0.001
    """How far off a weight may be."""

    @model_validator(mode="after")
    def _asks(self) -> Weights:
        if not (self.weights or self.ranked or self.greatest or self.at_least):
            raise ValueError("give weights, ranked, greatest or at_least")
        return self


class Windows(OfPhases):
    """The share of a label in each of several stretches of a phase, which are alike in tokens."""

    check: Literal["windows"]
    """A share over position."""
    by: Name
    """A column of the shards."""
    label: str
    """The label whose share is looked at."""
    shares: Annotated[list[Share], Field(min_length=2)]
    """Its share of the tokens in each stretch, the first one first; there are as many stretches as shares."""
    within: Within = 0.02
    """How far off a share may be."""


class Segments(OfPhases):
    """What rows are made of, and which parts have loss."""

    check: Literal["segments"]
    """Kinds of segments, and their loss."""
    column: Literal["segments", "chosen_segments", "rejected_segments"] = "segments"
    """The column with the segments."""
    kinds: Annotated[dict[Name, bool | Literal["some"]], Field(min_length=1)]
    """Each kind that may occur, in the order in which kinds first occur in a row: whether all of it has loss, or none, or some (a turn
    without its marker)."""
    optional: list[str] = []
    """Kinds that a row may lack; it has every other one."""
    any_order: bool = False
    """Kinds may come in any order."""
    share: dict[str, Share] = {}
    """The share of the rows that have an optional kind."""
    within: Within = 0.02
    """How far off a share may be."""

    @model_validator(mode="after")
    def _known(self) -> Segments:
        strange = sorted({*self.optional, *self.share} - set(self.kinds))
        if strange:
            raise ValueError(f"{strange[0]!r} is not among kinds: {', '.join(self.kinds)}")
        return self


class Written(OfPhases):
    """How a text, or another column, is written in each row."""

    check: Literal["written"]
    """How texts are written."""
    column: Name = "text"
    """A column of strings."""
    begins: str | None = None
    """What it begins with; a column's name in braces stands for its value in the row."""
    holds: str | None = None
    """What stands in it, with names in braces as in `begins`."""
    pattern: str | None = None
    """A regular expression that is found in it (Rust's syntax: no look-around, no back-references)."""
    share: Share = 1.0
    """The share of the rows where it is so."""
    within: Within = 0.0
    """How far off the share may be."""

    @model_validator(mode="after")
    def _one(self) -> Written:
        if sum(one is not None for one in (self.begins, self.holds, self.pattern)) != 1:
            raise ValueError("give one of begins, holds and pattern")
        return self


class Overlap(OfPhases):
    """Whether phases share documents."""

    check: Literal["overlap"]
    """Documents of one phase in another."""
    documents: Literal["none", "same", "different"]
    """none: no two phases share one; same: each phase holds the same ones; different: no two phases hold the same ones."""
    where: dict[Name, Filter] = {}
    """Only documents that match these filters are looked at."""


class Repeats(OfPhases):
    """How often a document stands in the phases together."""

    check: Literal["repeats"]
    """Copies of each document."""
    times: Count | None = None
    """Exactly so often."""
    most: Count | None = None
    """At most so often."""
    by: Name | None = None
    """A column of numbers that decides how often."""
    starting: dict[str, Annotated[int, Field(ge=0)]] = {}
    """From each value of `by` on, exactly so often; documents below the least value are not there."""
    where: dict[Name, Filter] = {}
    """Only documents that match these filters are looked at."""

    @model_validator(mode="after")
    def _one(self) -> Repeats:
        if sum([self.times is not None, self.most is not None, self.by is not None]) != 1:
            raise ValueError("give one of times, most and by")
        if (self.by is None) != (not self.starting):
            raise ValueError("by and starting go together")
        for value in self.starting:
            try:
                float(value)
            except ValueError:
                raise ValueError(f"starting: {value!r} is no number") from None
        return self


class CopiesByStep(OfPhases):
    """How many times what a step of the pool holds is written, from the lowest step on."""

    check: Literal["copies_by_step"]
    """Copies along a quality curve."""
    by: Name
    """The column of the steps; their labels sort from the lowest."""
    within_each: Name | None = None
    """A column in each of whose labels it is so; null: in all."""
    lowest: int = 0
    """So many of the lowest steps are not there at all."""
    direction: Literal["rising", "falling", "none"] = "rising"
    """How copies go from step to step."""
    most: float | None = None
    """No step is written more often."""
    slack: Within = 0.1
    """How far a step may go the other way, in copies."""


class SortedBy(OfPhases):
    """Rows come in the order of a column."""

    check: Literal["sorted_by"]
    """Sorted rows."""
    by: Name
    """A column of numbers or labels."""
    descending: bool = False
    """Greatest first."""
    rows: Count | None = None
    """Only the first so many rows of each phase; null: all."""


class Neighbours(OfPhases):
    """How often two rows that follow each other differ in a column."""

    check: Literal["neighbours"]
    """Neighbours that differ."""
    by: Name
    """A column of labels."""
    min: Share = 0.0
    """The least share of neighbours that differ."""
    max: Share = 1.0
    """The greatest share."""
    rows: Count | None = None
    """Only the first so many rows of each phase; null: all."""


class Batches(OfPhases):
    """What each batch of rows holds, counted from a phase's begin; a last one that is not full is left aside."""

    check: Literal["batches"]
    """The composition of each batch."""
    size: Annotated[int, Field(ge=2)]
    """Rows a batch."""
    by: Name
    """A column of labels."""
    counts: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Rows of these labels in each batch."""
    largest: list[Count] = []
    """Rows of the most frequent label, of the next, …: those of all labels."""
    labels: Count | None = None
    """The least number of different labels."""
    share: Share = 1.0
    """The least share of the batches of which it is so."""

    @model_validator(mode="after")
    def _one(self) -> Batches:
        if sum([bool(self.counts), bool(self.largest), self.labels is not None]) != 1:
            raise ValueError("give one of counts, largest and labels")
        return self


class Labels(OfPhases):
    """Which labels each phase holds."""

    check: Literal["labels"]
    """Labels of each phase."""
    by: Name
    """A column of labels."""
    are: list[str] = []
    """Each phase holds exactly these."""
    new: list[Annotated[int, Field(ge=0)]] = []
    """How many labels each phase holds that no phase before it holds."""

    @model_validator(mode="after")
    def _one(self) -> Labels:
        if bool(self.are) == bool(self.new):
            raise ValueError("give are or new")
        return self


class PerLabel(OfPhases):
    """How many documents of a label there are, of each label that is there."""

    check: Literal["per_label"]
    """Documents a label."""
    by: Name
    """A column of labels."""
    min: Count = 1
    """At least so many."""
    max: Count | None = None
    """At most so many."""


class Side(Section):
    """Some of the documents."""

    phases: Annotated[list[Name], Field(min_length=1)] | None = None
    """The phases that they stand in; null: those of the promise."""
    where: dict[Name, Filter] = {}
    """Filters that they match."""


class Outranks(OfPhases):
    """Every chosen document has at least the score of every other one; those of both sides are chosen."""

    check: Literal["outranks"]
    """The chosen above the rest."""
    by: Name
    """A column of numbers."""
    chosen: Side = Side()
    """Those that were chosen."""
    rest: Side = Side()
    """Those that were not."""
    highest: bool = True
    """Whether the greatest scores are chosen; false: the smallest."""


class LeftOut(OfPhases):
    """Documents that a stage dropped: in ledger and funnel alike, and none of them in the release."""

    check: Literal["left_out"]
    """Dropped documents."""
    stage: Name
    """A stage of the funnel."""
    rule: Name | None = None
    """One of its rules; null: all."""
    documents: Annotated[int, Field(ge=0)] | None = None
    """How many; null: at least one."""


class TokenColumn(OfPhases):
    """Tokens with loss have something beside them, which is of them (`shards.token_columns`)."""

    check: Literal["token_column"]
    """A column beside the tokens."""
    column: Name
    """A token column."""
    share: Share = 1.0
    """The least share of the tokens with loss that have it; it has only 0 for the others."""
    total: Bounds | None = None
    """What a token's values add up to, e.g. `{min: 0.5, max: 1}` of probabilities."""
    holds_token: Share | None = None
    """Of those that have it the least share whose own id is among the values."""


Promise = Annotated[
    Sizes
    | ShareOfPhase
    | MixtureOfPhase
    | Weights
    | Windows
    | Segments
    | Written
    | Overlap
    | Repeats
    | CopiesByStep
    | SortedBy
    | Neighbours
    | Batches
    | Labels
    | PerLabel
    | Outranks
    | LeftOut
    | TokenColumn,
    Field(discriminator="check"),
]


def without_rows(promise: OfPhases) -> bool:
    """Whether it can be held against packed rows, which keep neither a document's columns nor segments."""
    if isinstance(promise, Sizes):
        return promise.unit == "tokens"
    if isinstance(promise, Overlap):
        return not promise.where
    return isinstance(promise, Weights | TokenColumn)


def columns_of(promise: OfPhases) -> dict[str, str]:
    """The columns of the shards that a promise names, by its field."""
    named = {
        field: str(getattr(promise, field))
        for field in ("by", "within_each", "column")
        if getattr(promise, field, None)
    }
    for field in ("begins", "holds"):
        if getattr(promise, field, None) is not None:
            named |= {f"{field} {part}": part for part, is_name in template_parts(getattr(promise, field)) if is_name}
    for place, side in (
        ("", promise),
        ("chosen.", getattr(promise, "chosen", None)),
        ("rest.", getattr(promise, "rest", None)),
    ):
        named |= {f"{place}where.{name}": name for name in getattr(side, "where", {})}
    return named
