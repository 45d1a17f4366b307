"""Uniform mixture: 1/k for each group, or for those that are named (stratified sampling; Skill-It, appendix C)."""

from __future__ import annotations

from curation.methods.mixers.types import MixContext, Sizes, Weights, by_label, check_labels, normalised
from schemas.mixers import Uniform


def uniform(sizes: Sizes, params: Uniform, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a label that no document has."""
    labels = sizes.labels if params.labels is None else params.labels
    check_labels(sizes, labels, params.grouping, f"{context.place}.labels")
    return normalised(by_label(sizes, dict.fromkeys(labels, 1.0)))
