"""Plain phases: a phase is a pool, a mixture, a budget, an order and a format. Schedules expand to these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.filters import Filter
from schemas.formatters import Conditioning
from schemas.mixers import Mixture
from schemas.orders import Order
from schemas.section import Section
from schemas.selectors import Selector

PHASE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class Pool(Section):
    """Which documents a phase may draw from."""

    where: dict[str, Filter] = {}
    """Filters on tags or built-in names, all of which must hold: a value, a list of values, or {min, max}."""
    select: list[Selector] = []
    """Selectors, applied in this order to what the filters left."""


class Phase(Section):
    """One phase of training: documents of a pool, mixed, cut to a budget, put in order and formatted."""

    method: Literal["phase"] = "phase"
    """A plain phase."""
    name: Annotated[str, Field(pattern=PHASE_NAME)]
    """Stands in the shards' column `phase`; unique in the recipe."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Budget as a share of the pool's tokens, as the phases write them; phases given by share draw disjoint documents, each
    once, and where their shares sum to 1 the last takes all that is left."""
    tokens: Annotated[int, Field(gt=0)] | None = None
    """Budget in tokens, as written (prefix included)."""
    records: Annotated[int, Field(gt=0)] | None = None
    """Budget in documents."""
    epochs: Annotated[float, Field(gt=0)] | None = None
    """Budget as passes over the phase's pool."""
    pool: Pool = Pool()
    """Filters and selectors; by default every document."""
    mixture: Literal["inherit"] | Mixture | None = "inherit"
    """Weights of the groups; `inherit` takes the recipe's, null takes documents as they come."""
    order: Order = "shuffle"
    """Order of the documents inside the phase."""
    conditioning: Literal["inherit"] | Conditioning | None = "inherit"
    """How a document is written; `inherit` takes the recipe's, null writes the plain text."""
    evaluation: bool = False
    """Not trained on: all of the phase's pool is written beside the shards, to `evaluation/` in the shards' columns, and no
    other phase may take it, wherever it stands in the recipe. Needs no budget and no mixture."""
    fresh: bool = False
    """Of each group documents that earlier releases of the recipe trained on are drawn last, those least often drawn first: none comes
    again before its group is used up."""
    border: Annotated[int, Field(gt=0)] | None = None
    """Tokens (records, where the budget is in records) over which the weights of the phase before become this one's, linearly: a phase
    `<before>-to-<name>` of its own, half of which each side gives. Both are of one pool, format and unit, and group alike."""
    draw: Annotated[str, Field(min_length=1)] | None = None
    """Phases that give the same name here draw alike where a group gives a part of its documents; null: each afresh."""

    @model_validator(mode="after")
    def _one_budget(self) -> Phase:
        given = [name for name in ("share", "tokens", "records", "epochs") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of share, tokens, records, epochs; got {' and '.join(given)}")
        return self

    @model_validator(mode="after")
    def _evaluation_is_whole(self) -> Phase:
        given = [name for name in ("share", "tokens", "records", "epochs", "draw") if getattr(self, name) is not None]
        if self.mixture not in ("inherit", None):
            given.append("mixture")
        if self.evaluation and given:
            raise ValueError(f"an evaluation takes its pool whole: leave out {' and '.join(given)}, select in `pool`")
        return self
