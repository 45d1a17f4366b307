"""What mixers take: the groups of a pool, and where in the schedule the mixture stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curation.losses import LossReport


@dataclass(frozen=True)
class Sizes:
    """Groups in sorted order of their labels; documents, tokens: int64[g]."""

    labels: tuple[str, ...]
    documents: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]


@dataclass(frozen=True)
class MixContext:
    """Stage of stages (from 0), the loss report, the weights of the stage before, the place in the recipe."""

    stage: int = 0
    stages: int = 1
    losses: LossReport | None = None
    previous: npt.NDArray[np.float64] | None = None
    place: str = "mixture"
