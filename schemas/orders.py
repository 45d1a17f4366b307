"""Orders: a permutation inside a phase. A bare name, or a mapping told apart by `method`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section


class Shuffle(Section):
    """A random permutation that follows from seed, phase and ids."""

    method: Literal["shuffle"]
    """Random."""


class Sort(Section):
    """By a score or label, ascending; documents without one are last."""

    method: Literal["sort"]
    """By a column."""
    by: str
    """A tag or built-in name."""
    descending: bool = False
    """Greatest first."""


Order = Literal["shuffle"] | Annotated[Shuffle | Sort, Field(discriminator="method")]
