"""Selectors: which documents of a pool a phase may draw from. Told apart by `method`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from schemas.filters import Filter
from schemas.section import Section

S = TypeVar("S", bound=Section)
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1)]


def _one_of(section: S, *names: str) -> S:
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) != 1:
        raise ValueError(f"give one of {', '.join(names)}; got {' and '.join(given) or 'none'}")
    return section


class Selection(Section):
    """What every selector has."""

    within: dict[str, Filter] = {}
    """Filters, as a pool's `where`: only documents they match are selected from, all others pass; empty: no other."""


class Threshold(Selection):
    """Documents whose score lies within bounds; a document without a score is outside."""

    method: Literal["threshold"]
    """Score within bounds."""
    by: Name
    """A tag or built-in name that is a number."""
    min: float | None = None
    """Least score that is kept."""
    max: float | None = None
    """Greatest score that is kept."""
    strict: bool = False
    """Whether a score that equals a bound is outside (DELT's threshold) or inside."""

    @model_validator(mode="after")
    def _bounded(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("threshold needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; nothing could be kept")
        if self.strict and self.min is not None and self.min == self.max:
            raise ValueError(f"min and max are both {self.min:g}, and strict leaves nothing between them")
        return self


class Top(Selection):
    """The documents with the highest scores, or the lowest (the easiest, Mix-CPT; DELT's top-k and top-r)."""

    method: Literal["top"]
    """Best n or best share."""
    by: Name
    """A tag or built-in name that is a number."""
    documents: Count | None = None
    """How many documents; 0 keeps none."""
    share: Share | None = None
    """How many documents, as a share of those that have a score, rounded down."""
    percentile: Annotated[int, Field(ge=0, le=100)] | None = None
    """How many documents, as percentiles of the n that have a score: n // 100 each, the 100th takes the rest (DeepSpeed)."""
    highest: bool = True
    """Whether high scores are kept; false keeps the lowest."""

    @model_validator(mode="after")
    def _one_size(self) -> Top:
        return _one_of(self, "documents", "share", "percentile")


class TokenBudget(Selection):
    """The documents with the lowest scores, or the highest, as long as their tokens fit (stability gap's subset)."""

    method: Literal["token_budget"]
    """Best documents up to a number of tokens."""
    by: Name
    """A tag or built-in name that is a number."""
    tokens: Count | None = None
    """Tokens at most, as the plain document counts; the first document that does not fit ends it."""
    share: Share | None = None
    """Tokens at most, as a share of the tokens of all documents that could be selected."""
    highest: bool = False
    """Whether high scores come first; false takes the lowest (perplexity, loss) first."""

    @model_validator(mode="after")
    def _one_size(self) -> TokenBudget:
        return _one_of(self, "tokens", "share")


class WeightedDraw(Selection):
    """A random draw without replacement, by a weight (cyclical curriculum) or, without `by`, all documents alike."""

    method: Literal["weighted_draw"]
    """Random documents, each at most once."""
    by: Name | None = None
    """A tag or built-in name whose number makes the weight; null draws all alike."""
    documents: Count | None = None
    """How many documents."""
    share: Share | None = None
    """How many documents, as a share of those that could be drawn, rounded down."""
    transform: Literal["none", "inverse", "exponential", "log"] = "none"
    """The weight: none: the score itself; inverse: 1 / (score + offset), easy first for losses; exponential:
    e^(−rate · score); log: the score is the weight's logarithm. A weight of 0 is never drawn."""
    offset: Annotated[float, Field(ge=0)] = 1e-6
    """Added before inverting (0.01 in the cyclical curriculum's self-paced variants)."""
    rate: Annotated[float, Field(gt=0)] = 1.0
    """λ of the exponential transform."""
    draw: Name | None = None
    """Phases that give the same name here draw alike; null: each phase draws afresh."""

    @model_validator(mode="after")
    def _one_size(self) -> WeightedDraw:
        return _one_of(self, "documents", "share")


class CapPerGroup(Selection):
    """At most so many documents of each group (TÜLU 3's caps; DMT's fraction k of each specialised set)."""

    method: Literal["cap_per_group"]
    """Documents of each group up to a cap."""
    by: Name
    """A tag or built-in name: its labels are the groups; documents without one are the group (none)."""
    documents: Count | dict[str, Count] | None = None
    """Documents of a group at most: one number for all, or label -> number; labels not named are not capped."""
    share: Share | dict[str, Share] | None = None
    """The same as a share of the group's documents, rounded down, but at least one where the share is over 0."""
    score: Name | None = None
    """A tag or built-in name whose number decides who stays; null keeps random ones."""
    highest: bool = True
    """Whether high scores stay; false keeps the lowest."""
    draw: Name | None = None
    """Phases that give the same name here draw alike; null: each phase draws afresh."""

    @model_validator(mode="after")
    def _one_size(self) -> CapPerGroup:
        return _one_of(self, "documents", "share")


class OnePerCluster(Selection):
    """The document nearest to the centre of each cluster that passes the heuristics (Auto-CoT)."""

    method: Literal["one_per_cluster"]
    """One document a cluster."""
    by: Name
    """A tag that is the cluster."""
    distance: Name
    """A tag that is the distance to the cluster's centre; the least is taken."""
    passes: list[Name] = Field(default=[])
    """Tags that must all hold: a number over 0, or the label true. A cluster where none passes gives nothing."""


class Gumbel(Selection):
    """DSIR's resampling: the top n of log weight plus Gumbel noise, which is a draw without replacement."""

    method: Literal["gumbel"]
    """Top n of log weight + noise."""
    by: Name
    """A tag that is a log weight, e.g. of `from: dsir`."""
    documents: Count | None = None
    """How many documents."""
    share: Share | None = None
    """How many documents, as a share of those that have a score, rounded down."""
    temperature: Annotated[float, Field(ge=0)] = 1.0
    """Scales the noise: 0 is plain top n."""
    draw: Name | None = None
    """Phases that give the same name here draw alike; null: each phase draws afresh."""

    @model_validator(mode="after")
    def _one_size(self) -> Gumbel:
        return _one_of(self, "documents", "share")


class HeldOutGroups(Selection):
    """Keeps documents all of whose skills are for training, or all held out; mixed ones go to neither (SKILL-MIX)."""

    method: Literal["held_out_groups"]
    """A split by skill or category."""
    by: Name
    """A tag with the document's skills joined to one label (`from: skills` with `joined`), or with one label."""
    train: Annotated[list[Name], Field(min_length=1)]
    """Skills for training, or their categories where `categories` is given; all others are held out."""
    categories: dict[str, str] = Field(default={})
    """Skill -> category. A skill of the pool that is missing here is an error, unless this is empty."""
    separator: Annotated[str, Field(min_length=1)] = "+"
    """Stands between the skills of a label."""
    keep: Literal["train", "held_out", "mixed"] = "train"
    """Which part is kept."""


class HeldOutCombinations(Selection):
    """Keeps documents of one part: all but some combinations of attributes, or these, each value of which the other part shows (Med-MAT)."""

    method: Literal["held_out_combinations"]
    """A split by combinations."""
    by: Name
    """A tag with the document's attributes joined to one label (`from: triples`)."""
    held_out: Annotated[list[Name], Field(min_length=1)]
    """The combinations that are held out, as labels of `by`."""
    separator: Annotated[str, Field(min_length=1)] = "+"
    """Stands between the attributes of a label."""
    keep: Literal["train", "held_out"] = "train"
    """Which part is kept."""


class GroupPart(Selection):
    """One of several equal parts of the groups, so that parts share no group (M-STaR: a quarter of the prompts a round)."""

    method: Literal["group_part"]
    """A part of the groups."""
    by: Name
    """A tag or built-in name whose labels are the groups."""
    parts: Annotated[int, Field(ge=2)]
    """Into how many parts the groups are cut."""
    part: Count = 0
    """Which of them, from 0; past the last it begins anew."""


class CorrectTop(Selection):
    """The best n of the correct answers to each prompt (M-STaR: two); prompts without a correct one vanish."""

    method: Literal["correct_top"]
    """Correct, and best per prompt."""
    prompt: Name
    """A tag whose labels tell the prompts apart."""
    correct: Name
    """A tag that holds where the answer is correct: a number over 0, or the label true."""
    by: Name
    """A tag that is the reward; the highest are kept (M-STaR: the least over the steps)."""
    documents: Annotated[int, Field(ge=1)] = 2
    """Answers kept of each prompt."""


Selector = Annotated[
    Threshold
    | Top
    | TokenBudget
    | WeightedDraw
    | CapPerGroup
    | OnePerCluster
    | Gumbel
    | HeldOutGroups
    | HeldOutCombinations
    | GroupPart
    | CorrectTop,
    Field(discriminator="method"),
]
