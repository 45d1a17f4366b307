"""A mixture inside the groups of another: topics first, then the steps of quality in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights
from schemas.groups import SEPARATOR, parted


def nested(sizes: Sizes, params: Any, context: MixContext, mix: Callable[[Sizes, Any, MixContext], Weights]) -> Weights:
    """Weights float64[g] of groups whose labels are the mixture's own and those inside it, joined.

    mix: gives the weights of one level. Its budget inside a group is what the group gets. Raises RecipeError at the level.
    """
    depth = 1 if isinstance(params.by, str) else len(params.by)
    outer, inner = zip(*(_cut(label, depth) for label in sizes.labels), strict=True)
    of = {label: np.flatnonzero([one == label for one in outer]) for label in dict.fromkeys(outer)}
    labels = tuple(sorted(of))
    held = (
        {label: sum(context.held.get(sizes.labels[i], 0.0) for i in of[label]) for label in labels}
        if context.held
        else None
    )
    above = mix(
        sizes.summed(of),
        params.model_copy(update={"inside": None}),
        replace(context, held=held),
    )
    result = np.zeros(len(sizes.labels))
    for label, weight in zip(labels, above, strict=True):
        rows = of[label]
        if not weight or not sizes.held[rows].sum():
            continue
        rows = rows[np.argsort([inner[i] for i in rows], kind="stable")]
        within = Sizes(tuple(inner[i] for i in rows), sizes.documents[rows], sizes.tokens[rows], sizes.unit)
        before = None
        if context.held is not None and held is not None and held[label]:
            before = {inner[i]: context.held.get(sizes.labels[i], 0.0) / held[label] for i in rows}
        inside = replace(
            context,
            budget=context.budget * weight,
            held=before,
            place=f"{context.place}.inside",
            group=label if not context.group else f"{context.group}{SEPARATOR}{label}",
        )
        result[rows] = weight * mix(within, params.inside, inside)
    return result


def _cut(label: str, depth: int) -> tuple[str, str]:
    """A joined label's first ``depth`` labels and the others, each as its level knows it: plain where it is one."""
    parts = label.split(SEPARATOR)
    first, rest = parts[:depth], parts[depth:]
    return tuple(parted(one[0])[0] if len(one) == 1 else SEPARATOR.join(one) for one in (first, rest))  # type: ignore[return-value]
