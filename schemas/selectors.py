"""Selectors: which documents of a pool a phase may draw from. Told apart by `method`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from schemas.section import Section

S = TypeVar("S", bound=Section)


class Threshold(Section):
    """Documents whose score lies within bounds, both inclusive; a document without a score is outside."""

    method: Literal["threshold"]
    """Score within bounds."""
    by: str
    """A tag or built-in name that is a number."""
    min: float | None = None
    """Least score that is kept."""
    max: float | None = None
    """Greatest score that is kept."""

    @model_validator(mode="after")
    def _bounded(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("threshold needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; nothing could be kept")
        return self


class Top(Section):
    """The documents with the highest scores, or the lowest (the easiest, Mix-CPT; DELT's top-k and top-r)."""

    method: Literal["top"]
    """Best n or best share."""
    by: str
    """A tag or built-in name that is a number."""
    documents: Annotated[int, Field(ge=0)] | None = None
    """How many documents; 0 keeps none."""
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """How many documents, as a share of all in the pool, rounded down."""
    highest: bool = True
    """Whether high scores are kept; false keeps the lowest."""

    @model_validator(mode="after")
    def _one_size(self) -> Top:
        return _one_of(self, "documents", "share")


def _one_of(section: S, *names: str) -> S:
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) != 1:
        raise ValueError(f"give one of {', '.join(names)}; got {' and '.join(given) or 'none'}")
    return section


Selector = Annotated[Threshold | Top, Field(discriminator="method")]
