"""Bounds that a release must keep to be published: an alarm where the raw text, or the cleaning, has drifted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from schemas.section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Bounds(Section):
    """From and to; null is no bound."""

    min: float | None = None
    """The least that is well."""
    max: float | None = None
    """The most that is well."""

    @model_validator(mode="after")
    def _in_order(self) -> Bounds:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is over max")
        return self


class Limits(Section):
    """A run out of these fails before it publishes: no release, and `latest.json` stays as it was."""

    drop_rate: Bounds | None = None
    """Share of the documents read that any stage drops; what no phase takes does not count."""
    stage_drop_rate: dict[str, Bounds] = {}
    """Stage -> share that it drops of the documents that come to it."""
    source_drop_rate: Share | dict[str, Share] | None = None
    """The most that any stage may drop of a source's documents that were read, of every source or by its name."""
    bad_rows: Share | dict[str, Share] | None = None
    """The most of a source's rows that may be malformed, of every source or by its name."""
    language_share: dict[str, Bounds] = {}
    """Language -> its share of the documents left; needs clean.language."""
    mean_quality: Bounds | None = None
    """Mean quality of the documents left; needs clean.classifier."""
    group_share: dict[str, dict[str, Bounds]] = {}
    """Name that a mixture groups by (source always) -> label -> its share of the tokens left."""
