"""Schedules: one entry of `phases` that stands for several phases. Told apart by `method`; a plain phase leaves it out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from schemas.formatters import Conditioning
from schemas.orders import Order
from schemas.phases import PHASE_NAME, Phase, Pool
from schemas.section import Section


class Levels(Section):
    """Levels of difficulty, round by round: one phase a round, every active level with equal weight."""

    method: Literal["levels"]
    """A curriculum over levels (emergent mechanisms: single-head, multi-head)."""
    name: Annotated[str, Field(pattern=PHASE_NAME)]
    """The phases are named `<name>-1`, `<name>-2`, …"""
    by: str
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
    """Levels that each round adds."""
    rounds: Annotated[int, Field(ge=1)] | None = None
    """Rounds; once the levels are exhausted the active ones stay. Null: until the last level is reached."""
    tokens: Annotated[int, Field(gt=0)] | None = None
    """Budget of each round in tokens."""
    records: Annotated[int, Field(gt=0)] | None = None
    """Budget of each round in documents."""
    max_epochs: Annotated[float, Field(gt=0)] | None = 4
    """How often a document may stand in a round at most; null is without limit."""
    pool: Pool = Pool()
    """Filters and selectors, besides the level."""
    order: Order = "shuffle"
    """Order of the documents inside a round."""
    conditioning: Literal["inherit"] | Conditioning | None = "inherit"
    """How a document is written; `inherit` takes the recipe's, null writes the plain text."""

    @model_validator(mode="after")
    def _sound(self) -> Levels:
        if (self.tokens is None) == (self.records is None):
            raise ValueError("give the budget of a round: tokens or records")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level stands twice in levels")
        if self.start > len(self.levels):
            raise ValueError(f"start is {self.start}, there are {len(self.levels)} levels")
        return self


def _method(value: Any) -> Any:
    return value.get("method", "phase") if isinstance(value, dict) else getattr(value, "method", None)


Schedule = Annotated[
    Annotated[Phase, Tag("phase")] | Annotated[Levels, Tag("levels")],
    Discriminator(_method),
]
