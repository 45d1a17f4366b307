"""Mixers: group sizes to weights that sum to 1. Told apart by `method`; `proportional` where it is left out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.section import Section


class Mixer(Section):
    """What every mixture says of its groups."""

    by: str = "source"
    """A declared tag or built-in name; documents with the same label are a group."""
    exhausted: Literal["repeat", "redistribute", "stop"] = "repeat"
    """A group that has fewer tokens than its weight asks: repeat it (up to max_epochs), give the rest to the others,
    or stop short."""
    max_epochs: Annotated[float, Field(gt=0)] | None = 4
    """How often a document may stand in a phase at most; null is without limit (4: Muennighoff et al. 2023)."""


class Proportional(Mixer):
    """p_i ∝ tokens of group i."""

    method: Literal["proportional"] = "proportional"
    """Groups weigh what they hold."""


class Fixed(Mixer):
    """Weights as given."""

    method: Literal["fixed"]
    """The weights stand in the recipe."""
    weights: dict[str, Annotated[float, Field(ge=0)]]
    """Label -> weight; they sum to 1, and every label is a group of the pool."""


class Temperature(Mixer):
    """p_i ∝ tokens_i^(1/T)."""

    method: Literal["temperature"]
    """Flattens (T > 1) or sharpens (T < 1) the natural proportions."""
    temperature: Annotated[float, Field(gt=0)] = 2.0
    """T: 1 is proportional, large is uniform."""


def _method(value: Any) -> Any:
    return value.get("method", "proportional") if isinstance(value, dict) else getattr(value, "method", None)


Mixture = Annotated[
    Annotated[Proportional, Tag("proportional")]
    | Annotated[Fixed, Tag("fixed")]
    | Annotated[Temperature, Tag("temperature")],
    Discriminator(_method),
]
