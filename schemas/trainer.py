"""What a trainer is told besides the shards."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.section import Section


class Trainer(Section):
    """What `trainer.json` says of the training run."""

    global_batch: Annotated[int, Field(ge=1)] | None = None
    """Documents (packed rows, where rows are packed) a step, over all ranks; null: steps are not counted."""
