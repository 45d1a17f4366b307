"""Selectors: documents and scores to a subset. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable

from curation.selectors.candidates import Candidates, Mask
from curation.selectors.threshold import threshold
from curation.selectors.top import top
from schemas import selectors as models

FUNCTIONS: dict[type, Callable[..., Mask]] = {
    models.Threshold: threshold,
    models.Top: top,
}
"""(candidates, params, seed, phase, place) to bool[n]."""


def select(candidates: Candidates, params: models.Selector, *, seed: int, phase: str, place: str) -> Mask:
    """Which of the candidates are kept: bool[n]. Raises RecipeError at ``place``."""
    return FUNCTIONS[type(params)](candidates, params, seed=seed, phase=phase, place=place)
