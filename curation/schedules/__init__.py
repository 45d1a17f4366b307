"""Schedules: one recipe entry to several plain phases. None has landed yet: `phases` holds plain phases only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from curation.losses import LossReport
from curation.mixers import Sizes


@dataclass(frozen=True)
class ScheduleFacts:
    """What an expansion may know of the pool: its size, and its groups by name."""

    documents: int
    tokens: int
    groups: Mapping[str, Sizes]
    losses: LossReport | None
