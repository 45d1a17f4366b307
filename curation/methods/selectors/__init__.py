"""Selectors: documents and scores to a subset. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable

from curation.methods.selectors.candidates import Candidates, Mask, scores_of
from curation.methods.selectors.cap_per_group import cap_per_group
from curation.methods.selectors.correct_top import correct_top
from curation.methods.selectors.group_part import group_part
from curation.methods.selectors.gumbel import gumbel
from curation.methods.selectors.held_out_combinations import held_out_combinations
from curation.methods.selectors.held_out_groups import held_out_groups
from curation.methods.selectors.one_per_cluster import one_per_cluster
from curation.methods.selectors.threshold import threshold
from curation.methods.selectors.token_budget import token_budget
from curation.methods.selectors.top import top
from curation.methods.selectors.weighted_draw import weighted_draw
from schemas import selectors as models

__all__ = ["COUNTED", "FUNCTIONS", "Candidates", "Mask", "names_of", "score_of", "scores_of", "select"]

FUNCTIONS: dict[type, Callable[..., Mask]] = {
    models.CapPerGroup: cap_per_group,
    models.CorrectTop: correct_top,
    models.GroupPart: group_part,
    models.Gumbel: gumbel,
    models.HeldOutCombinations: held_out_combinations,
    models.HeldOutGroups: held_out_groups,
    models.OnePerCluster: one_per_cluster,
    models.Threshold: threshold,
    models.TokenBudget: token_budget,
    models.Top: top,
    models.WeightedDraw: weighted_draw,
}
"""(candidates, params, seed, phase, place) to bool[n]."""


NAMES = ("by", "score", "distance", "prompt", "correct")


COUNTED = (models.Gumbel, models.Top, models.WeightedDraw)
"""Those whose ``documents`` is what is kept in all."""
GROUPING = (
    models.CapPerGroup,
    models.GroupPart,
    models.HeldOutCombinations,
    models.HeldOutGroups,
    models.OnePerCluster,
)
"""Those whose ``by`` makes groups."""


def score_of(params: models.Selector) -> str | None:
    """The name whose number decides what a selector keeps, if it reads one."""
    for name in ("score", "distance"):
        if getattr(params, name, None) is not None:
            return str(getattr(params, name))
    return None if isinstance(params, GROUPING) else params.by


def names_of(params: models.Selector) -> dict[str, str]:
    """The tags and built-in names that a selector reads, by its field."""
    named = {field: getattr(params, field) for field in NAMES if isinstance(getattr(params, field, None), str)}
    return {**named, **{f"passes[{i}]": name for i, name in enumerate(getattr(params, "passes", []))}}


def select(candidates: Candidates, params: models.Selector, *, seed: int, phase: str, place: str) -> Mask:
    """Which of the candidates are kept: bool[n]. Raises RecipeError at ``place``."""
    return FUNCTIONS[type(params)](candidates, params, seed=seed, phase=phase, place=place)
