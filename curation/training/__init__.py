"""What training code imports: ``ShardDataset`` reads a release in order, ``LossReporter`` tells the next round of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.training.loader import ShardDataset
    from curation.training.loss_reporter import LossReporter

__all__ = ["LossReporter", "ShardDataset"]

MODULES = {"LossReporter": "curation.training.loss_reporter", "ShardDataset": "curation.training.loader"}


def __getattr__(name: str) -> Any:
    """Found when asked for: the loader brings PyTorch along, which those who count tokens here do not need."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(MODULES[name]), name)
