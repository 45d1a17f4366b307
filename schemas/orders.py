"""Orders: a permutation inside a phase. The bare name `shuffle`, or a mapping told apart by `method`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.mixers import Rounding
from schemas.section import Section

POOL = "pool"
"""What orders call the pool that a document is of, in phases whose mixture is of pools; a declared tag of that name goes first."""

Name = Annotated[str, Field(min_length=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Shuffle(Section):
    """A random permutation that follows from seed, phase and ids."""

    method: Literal["shuffle"]
    """Random."""


class ByScore(Section):
    """What the orders of scored documents share (DELT). Documents without a score come last, ties go by id."""

    by: Name
    """A tag or built-in name: a number, or labels in sorted order."""
    descending: bool = False
    """Greatest first."""
    jitter: Annotated[float, Field(ge=0)] = 0.0
    """τ: the rank of a document plus τ times Gumbel noise decides, before anything else; 0 is exact."""
    window: Count = 1
    """Consecutive blocks of so many documents are shuffled, after everything else; 1 shuffles none."""


class Sort(ByScore):
    """By a score or label, ascending; documents without one are last."""

    method: Literal["sort"]
    """By a column."""


class Folding(ByScore):
    """The sorted documents in layers of every L-th one (DELT): the range of scores is gone through L times."""

    method: Literal["folding"]
    """Strided layers of the sorted documents."""
    layers: Count = 5
    """L; 1 is plain sorting."""


class ZigZag(ByScore):
    """Folding with every second layer reversed, so that the score never jumps (DELT)."""

    method: Literal["zig_zag"]
    """Strided layers, there and back."""
    layers: Count = 5
    """L; 1 is plain sorting."""


class Stair(ByScore):
    """Sorted, but folded in windows around the borders of sections (STR)."""

    method: Literal["stair"]
    """Folding around the borders of sections."""
    sections: Count = 2
    """S: borders at s / S of the documents."""
    ratio: Fraction = 0.225
    """A window's radius, as a share of the documents."""
    layers: Count = 3
    """L, of the folding inside a window."""


class Saw(ByScore):
    """Sorted, but zig-zag in windows around the borders of sections (SAW)."""

    method: Literal["saw"]
    """Zig-zag around the borders of sections."""
    sections: Count = 3
    """S: borders at s / S of the documents."""
    ratio: Fraction = 0.075
    """A window's radius, as a share of the documents."""
    layers: Count = 2
    """L, of the zig-zag inside a window."""


class Segment(ByScore):
    """A first part from one end of the scores, a last part from the other, the rest between; each part shuffled."""

    method: Literal["segment"]
    """First, middle, last, each shuffled."""
    first: Fraction = 0.1
    """Share of the documents in the first part."""
    last: Fraction = 0.1
    """Share of the documents in the last part."""
    same_end: bool = False
    """Whether the last part comes from the same end of the scores as the first; the two are then split at random."""


class Course(Section):
    """What the orders of an instruction course share (CORGI). A document without a label comes last in its place."""

    subject: Name
    """The tag with the subject."""
    level: Name
    """The tag with the cognitive level, a number or sorted labels (Bloom: remember, understand, apply)."""
    stage: Name | None = None
    """The tag with the educational stage."""
    concept: Name | None = None
    """The tag with the concept inside a subject."""


class Blocking(Course):
    """Subject after subject; inside by stage, concept, level (CORGI)."""

    method: Literal["blocking"]
    """One subject is finished before the next."""


class Clustering(Course):
    """Concepts stay whole in random order; inside by level (CORGI)."""

    method: Literal["clustering"]
    """Whole concepts, shuffled."""


class Spiral(Course):
    """Subject after subject; inside every concept is met again at each level (CORGI)."""

    method: Literal["spiral"]
    """Concepts of a subject revisited level by level."""


class Interleaving(Course):
    """Level and stage rise over all subjects together; inside subjects take turns (CORGI's winner)."""

    method: Literal["interleaving"]
    """Subjects take turns while the level rises."""


class RoundRobin(Section):
    """Groups take turns, one document each, in sorted order of their labels; groups that run out are skipped."""

    method: Literal["round_robin"]
    """One of each group in turn."""
    by: Name
    """The tag that is the group."""
    inside: Name | None = None
    """A tag that sorts each group's documents; null shuffles them."""


class Stratified(Section):
    """Every global batch has the groups in the phase's proportions (MosaicML Streaming)."""

    method: Literal["stratified"]
    """The same mixture in every batch."""
    by: Name
    """The tag that is the group; `pool` where the mixture is of pools."""
    batch_size: Count
    """Documents of a global batch (all ranks together). What does not fill a whole batch comes last."""
    rounding: Rounding = "late_ties"
    """How proportions become slots of a batch: late_ties is MosaicML Streaming's, in_order FoMo-in-Flux's (256 documents in
    thirds are 86, 85 and 85, the first pool first)."""


class PerStream(Section):
    """Every global batch is of one group; the batches are shuffled (MosaicML Streaming)."""

    method: Literal["per_stream"]
    """Batches of one group each."""
    by: Name
    """The tag that is the group."""
    batch_size: Count
    """Documents of a global batch (all ranks together). What does not fill a whole batch comes last."""


class DevicePerStream(Section):
    """Every device's part of a batch is of one group (MosaicML Streaming)."""

    method: Literal["device_per_stream"]
    """Device batches of one group each."""
    by: Name
    """The tag that is the group."""
    batch_size: Count
    """Documents of one rank's batch, as the loader's `batch_size`. What does not fill one comes last."""


class Bursty(Section):
    """Documents of a group come in bursts inside a context (in-context against in-weights learning, Reddy 2024)."""

    method: Literal["bursty"]
    """Contexts in which groups repeat."""
    by: Name
    """The tag that is the group (class)."""
    context: Count = 8
    """N: documents of a context, which are neighbours in the order."""
    burstiness: Count = 2
    """B: how often a group stands in a bursty context; it divides N."""
    share: Fraction = 1.0
    """Share of the documents that stand in bursty contexts; the others are shuffled between them."""
    dictionary: Count | None = None
    """K: only the K groups with the most documents burst; null: all."""


Order = (
    Literal["shuffle"]
    | Annotated[
        Shuffle
        | Sort
        | Folding
        | ZigZag
        | Stair
        | Saw
        | Segment
        | Blocking
        | Clustering
        | Spiral
        | Interleaving
        | RoundRobin
        | Stratified
        | PerStream
        | DevicePerStream
        | Bursty,
        Field(discriminator="method"),
    ]
)
