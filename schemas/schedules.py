"""Schedules: one entry of `phases` that stands for several phases. Told apart by `method`; a plain phase leaves it out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from schemas.formatters import Conditioning
from schemas.mixers import Label, Mixture, Rounding, Weight
from schemas.orders import Order
from schemas.phases import PHASE_NAME, Phase, Pool
from schemas.section import Section
from schemas.selectors import GroupPart

Count = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(min_length=1)]


class Entry(Section):
    """What every schedule has."""

    name: Annotated[str, Field(pattern=PHASE_NAME)]
    """The phases are named `<name>-1`, `<name>-2`, …"""
    pool: Pool = Pool()
    """Filters and selectors of each phase, besides those of the method."""
    order: Order = "shuffle"
    """Order of the documents inside a phase."""
    conditioning: Literal["inherit"] | Conditioning | None = "inherit"
    """How a document is written; `inherit` takes the recipe's, null writes the plain text."""


class Budgeted(Entry):
    """What schedules have whose phases are all of one size."""

    tokens: Count | None = None
    """Budget of each phase in tokens."""
    records: Count | None = None
    """Budget of each phase in documents."""
    max_epochs: Annotated[float, Field(gt=0)] | None = 4
    """How often a document may stand in a phase at most; null is without limit."""

    @model_validator(mode="after")
    def _one_budget(self) -> Budgeted:
        if (self.tokens is None) == (self.records is None):
            raise ValueError("give the budget of a phase: tokens or records")
        return self


class Levels(Budgeted):
    """Levels of difficulty, round by round: one phase a round, every active level with equal weight."""

    method: Literal["levels"]
    """A curriculum over levels (emergent mechanisms: single-head, multi-head)."""
    by: Name
    """A declared tag or built-in name whose labels are the levels."""
    levels: Annotated[list[str], Field(min_length=1)]
    """The labels, easiest first."""
    active: Literal["single", "cumulative", "sliding"] = "cumulative"
    """single: the newest level alone; cumulative: all up to it; sliding: the newest `window`."""
    window: Annotated[int, Field(ge=1)] = 2
    """Levels that are active at once, for `sliding`."""
    start: Annotated[int, Field(ge=1)] = 1
    """Levels that the first round has reached."""
    step: Annotated[int, Field(ge=1)] = 1
    """Levels that each round, or each promotion, adds."""
    rounds: Count | None = None
    """Rounds; once the levels are exhausted the active ones stay. Null: until the last level is reached."""
    promote_above: float | None = None
    """Null: each round adds levels. A number: one round a run; the trainer reports the accuracy of each active level as a
    column `accuracy`, and levels are added when their mean and the newest are both above it (0.98)."""

    @model_validator(mode="after")
    def _sound(self) -> Levels:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level stands twice in levels")
        if self.start > len(self.levels):
            raise ValueError(f"start is {self.start}, there are {len(self.levels)} levels")
        if self.promote_above is not None and self.rounds is None:
            raise ValueError("promote_above needs rounds: the most rounds that are ever run")
        return self


class SubsetEpochs(Entry):
    """Epochs over a subset of good documents, mixed with replay (stability gap)."""

    method: Literal["subset_epochs"]
    """The same subset each epoch, replay drawn afresh."""
    epochs: Annotated[int, Field(ge=1)] = 4
    """Passes over the subset, a phase each."""
    subset: Label
    """The label of `mixture.by` that is the subset; a selector in `pool` with `within` cuts it to the best documents."""
    mixture: Mixture
    """Weights of the subset and of the replay groups."""
    replay: Literal["fresh", "frozen"] = "fresh"
    """Replay documents: drawn again for each epoch, or the same ones."""
    tokens: Count | None = None
    """Budget of an epoch in tokens; null: as many as it takes to read the subset exactly once."""


class Cyclical(Entry):
    """Subsets that grow and shrink, drawn by weight without replacement (cyclical curriculum learning)."""

    method: Literal["cyclical"]
    """One phase a mini-epoch."""
    by: Name | None = None
    """A tag whose number makes the weight of a document, e.g. its loss; null draws all alike."""
    transform: Literal["none", "inverse", "exponential", "log"] = "inverse"
    """From score to weight, as of the selector weighted_draw; inverse: easy documents (low loss) first."""
    offset: Annotated[float, Field(ge=0)] = 1e-6
    """Added before inverting (0.01 in the self-paced variants)."""
    rate: Annotated[float, Field(gt=0)] = 1.0
    """λ of the exponential transform."""
    shape: Literal["cycle", "sharp_cycle", "growing", "shrinking"] = "cycle"
    """cycle: up and down; sharp_cycle: up, then at once to the start; growing and shrinking stay at their end."""
    start: Fraction = 0.25
    """Least share of the documents."""
    end: Fraction = 1.0
    """Greatest share of the documents."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """α: each share is the one before divided by, or times, α."""
    epochs: Annotated[float, Field(gt=0)] = 3.0
    """T: phases are added until their shares sum to T; the sum may exceed it by less than one epoch."""
    sizes: Literal["fractions", "ceil"] = "fractions"
    """int(N · S) as in the published code, or its older form in whole numbers, rounded up."""

    @model_validator(mode="after")
    def _sound(self) -> Cyclical:
        if self.start > self.end:
            raise ValueError("start is above end; the published code then swings without sense")
        return self


class Pacing(Entry):
    """Each round draws from a growing prefix of the sorted documents (curriculum learning; Skill-It's baseline)."""

    method: Literal["pacing"]
    """A pacing function: round to pool."""
    by: Name
    """A tag that is the difficulty, e.g. the loss of the starting model."""
    hardest_first: bool = False
    """Anti-curriculum: the prefix is of the greatest scores."""
    shape: Literal["linear", "log", "root"] = "linear"
    """linear: u · records; log: N b + (1 − b) N (1 + .1 ln(u / (a R) + e^−10)); root: N (b^p + (1 − b^p) u / R)^(1/p)."""
    rounds: Count
    """R: phases."""
    records: Count
    """Documents of each round, drawn without replacement from the prefix."""
    a: Annotated[float, Field(gt=0)] = 0.1
    """a of the log shape."""
    b: Annotated[float, Field(ge=0, le=1)] = 0.2
    """b of the log and root shapes: about the share of the pool at the start; 0 starts from nothing."""
    degree: Annotated[float, Field(ge=1)] = 2.0
    """p of the root shape."""


class Difficulty(Entry):
    """A rising bound on a metric, step by step of training (DeepSpeed data efficiency)."""

    method: Literal["difficulty"]
    """One phase for each difficulty."""
    by: Name
    """A tag or built-in name that is the metric, e.g. tokens."""
    schedule: Literal["linear", "root", "discrete"] = "linear"
    """linear and root: from min to max over total_steps; discrete: the listed difficulties."""
    min: float = 1
    """Difficulty at the start."""
    max: float = 1
    """Difficulty at the end."""
    difficulty_step: Annotated[int, Field(ge=1)] = 8
    """Difficulties are multiples of it, rounded down, which may start below `min`."""
    total_steps: Count = 1
    """T: training steps until max is due."""
    root_degree: Annotated[float, Field(ge=1)] = 2.0
    """Degree of the root."""
    difficulties: list[float] = []
    """The difficulties of the discrete schedule."""
    max_step: list[Count] = []
    """The last step of each but the last of them."""
    steps: Count
    """Training steps of all phases together."""
    batch_size: Count
    """Documents of a training step."""
    percentile: bool = False
    """Difficulties are percentiles of the metric, 0 to 100, and not its values; as published, a percentile holds
    n // 100 of n documents and the last takes the rest."""

    @model_validator(mode="after")
    def _sound(self) -> Difficulty:
        if self.schedule == "discrete":
            if not self.difficulties or len(self.max_step) != len(self.difficulties) - 1:
                raise ValueError("discrete needs difficulties, and max_step with one number less")
            if sorted(self.max_step) != self.max_step:
                raise ValueError("max_step must rise")
        elif self.min > self.max:
            raise ValueError("min is above max")
        return self


class SkillCurriculum(Entry):
    """Skill after skill, easiest first, then all of them (Skill-It's skill curriculum)."""

    method: Literal["skill_curriculum"]
    """One phase a skill, a last one over everything."""
    by: Name
    """A tag whose labels are the skills."""
    losses: dict[Label, float] | None = None
    """Skill -> mean loss of the starting model."""
    score: Name | None = None
    """Else a tag whose mean over a skill's documents is its loss."""
    records: Count
    """Documents of all phases together."""
    mixing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of earlier skills that a skill's phase takes along."""

    @model_validator(mode="after")
    def _sound(self) -> SkillCurriculum:
        if (self.losses is None) == (self.score is None):
            raise ValueError("give either losses or score")
        return self


class TaskStream(Budgeted):
    """Tasks one after another, each stage with rehearsal of those before (power-law rehearsal)."""

    method: Literal["task_stream"]
    """One phase a task."""
    by: Name
    """A tag whose labels are the tasks."""
    tasks: Annotated[list[Label], Field(min_length=1)]
    """The tasks in the order they are met."""
    rehearsal: Literal["power_law", "exponential", "none"] = "power_law"
    """Share of task i at stage n: (n − i + 1)^(−exponent); e^(−(n − i + 1) / τ); nothing but the task itself."""
    exponent: Annotated[float, Field(ge=0)] = 1.0
    """Of the power law; 0 is uniform replay."""
    tau: Annotated[float, Field(gt=0)] = 3.0
    """τ of the exponential, in stages."""


class Stream(Budgeted):
    """A stream of update tasks, each mixed with pre-training data and a buffer of earlier tasks (FoMo-in-Flux)."""

    method: Literal["stream"]
    """One phase a task of several groups."""
    by: Name
    """A tag whose labels are the stream's entries, e.g. `dataset+++class`."""
    tasks: Count = 1
    """T: the entries are cut to so many tasks; the first n mod T get one more."""
    sequence: Literal["random", "given", "easy_to_hard", "hard_to_easy", "frequency", "similarity", "dataset"] = (
        "random"
    )
    """Order of the entries: easy_to_hard: greatest value first; frequency: least value (rare) first; similarity: nearest
    neighbour after nearest; dataset: a task a data set, as first met; given: as in `entries`."""
    entries: list[Label] | None = None
    """The entries that are met; null: all labels but those of pre-training."""
    values: dict[Label, float] = {}
    """Entry -> zero-shot accuracy (easy_to_hard, hard_to_easy) or frequency in pre-training data (frequency)."""
    vectors: dict[Label, list[float]] = {}
    """Entry -> embedding (similarity)."""
    separator: Annotated[str, Field(min_length=1)] = "+++"
    """Ends the data set's name in a label (dataset)."""
    pretraining: list[Label] = []
    """Labels of the pre-training pool."""
    weights: dict[Literal["pretraining", "update", "buffer"], Weight] = {
        "pretraining": 1 / 3,
        "update": 1 / 3,
        "buffer": 1 / 3,
    }
    """Shares of the three pools; they sum to 1. That of a pool without documents goes to the others in proportion."""
    rounding: Rounding = "largest_remainder"
    """How records become whole counts; in_order is the published code's."""

    @model_validator(mode="after")
    def _sound(self) -> Stream:
        if abs(sum(self.weights.values()) - 1) > 1e-6:
            raise ValueError(f"the weights sum to {sum(self.weights.values()):g}; they must sum to 1")
        if self.sequence == "given" and self.entries is None:
            raise ValueError("sequence: given needs entries")
        return self


class Rounds(Entry):
    """Rounds of an online mixture: each run writes one, and the next waits for the trainer's loss report."""

    method: Literal["rounds"]
    """One phase a run: round 1 without a loss report, round r + 1 with a report of r rounds."""
    rounds: Count
    """Rounds in all."""
    mixture: Mixture | Literal["inherit"] | None = "inherit"
    """The mixture, usually an online one; null takes documents as they come."""
    tokens: Count | None = None
    """Budget of each round in tokens."""
    records: Count | None = None
    """Budget of each round in documents."""
    epochs: Annotated[float, Field(gt=0)] | None = None
    """Budget of each round as passes over its pool."""
    fresh: bool = False
    """A round draws what no round before it drew, until a group is used up, then anew."""
    later: Pool | None = None
    """The pool of every round after the first, whose selectors may go by what the report says of documents (a tag `{from: table,
    column: loss}`); null: `pool`."""
    parts: GroupPart | None = None
    """A part of the groups a round, round by round, besides the pool's selectors; `part` is the round's own."""

    @model_validator(mode="after")
    def _one_budget(self) -> Rounds:
        if sum(given is not None for given in (self.tokens, self.records, self.epochs)) != 1:
            raise ValueError("give the budget of a round: tokens, records or epochs")
        return self


class NotebookRounds(Budgeted):
    """Rounds of which a share goes to what was wrong in those before, each run one (MCL's correction notebook)."""

    method: Literal["notebook"]
    """A share for what was wrong."""
    rounds: Count
    """Rounds in all."""
    by: Name
    """The tag `{from: notebook}`."""
    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """ρ: of a round's budget; where the notebook has less, the rest takes it over."""
    max_epochs: Annotated[float, Field(gt=0)] | None = 1
    """How often a document may stand in a round at most; null is without limit."""


class LearningCurve(Entry):
    """One phase, as large as a learning curve of smaller runs says it need be."""

    method: Literal["learning_curve"]
    """A size by extrapolation."""
    points: Name
    """A table (CSV, JSON lines, Parquet) of proxy runs: columns size and value."""
    curve: Literal["decay", "growth"] = "decay"
    """decay: value = a size^−b + c (a loss), fitted to four points at least; growth: value = a size^b (a performance, as
    for superficial alignment), fitted in logarithms to two."""
    flat: Annotated[float, Field(gt=0)] | None = None
    """decay: the first size at which the loss falls by less than this a document."""
    reach: float | None = None
    """Else the first size at which the fitted value is this."""

    @model_validator(mode="after")
    def _one_rule(self) -> LearningCurve:
        if (self.flat is None) == (self.reach is None):
            raise ValueError("give either flat or reach")
        if self.flat is not None and self.curve == "growth":
            raise ValueError("flat goes with curve: decay; for growth give reach")
        return self


class Amounts(Entry):
    """One phase with so many documents of each group (TÜLU 3's mixer; UDR's task rates)."""

    method: Literal["amounts"]
    """Counts and shares of groups; more than a group has repeats it."""
    by: Name
    """A tag or built-in name: its labels are the groups."""
    records: dict[Label, Count] = {}
    """Label -> documents: TÜLU's amounts without a dot."""
    shares: dict[Label, Annotated[float, Field(ge=0)]] = {}
    """Label -> share of the group's documents, rounded down; over 1 repeats: TÜLU's amounts with a dot."""

    @model_validator(mode="after")
    def _sound(self) -> Amounts:
        both = sorted(self.records.keys() & self.shares.keys())
        if both:
            raise ValueError(f"{both[0]!r} stands in records and in shares")
        if not self.records and not self.shares:
            raise ValueError("give records, shares or both")
        return self


def _method(value: Any) -> Any:
    return value.get("method", "phase") if isinstance(value, dict) else getattr(value, "method", None)


Schedule = Annotated[
    Annotated[Phase, Tag("phase")]
    | Annotated[Levels, Tag("levels")]
    | Annotated[SubsetEpochs, Tag("subset_epochs")]
    | Annotated[Cyclical, Tag("cyclical")]
    | Annotated[Pacing, Tag("pacing")]
    | Annotated[Difficulty, Tag("difficulty")]
    | Annotated[SkillCurriculum, Tag("skill_curriculum")]
    | Annotated[TaskStream, Tag("task_stream")]
    | Annotated[Stream, Tag("stream")]
    | Annotated[Rounds, Tag("rounds")]
    | Annotated[NotebookRounds, Tag("notebook")]
    | Annotated[LearningCurve, Tag("learning_curve")]
    | Annotated[Amounts, Tag("amounts")],
    Discriminator(_method),
]
