"""So many documents of each group (TÜLU 3, dataset_transformation.py; UDR's task rates): whole copies, then a part."""

from __future__ import annotations

from curation.methods.schedules.types import ScheduleContext, phase_of
from curation.methods.selectors.candidates import share_of
from curation.recipes.similar import nearest
from schemas.errors import RecipeError
from schemas.mixers import Fixed
from schemas.phases import Phase
from schemas.schedules import Amounts


def amounts(params: Amounts, context: ScheduleContext) -> list[Phase]:
    """One phase. Raises RecipeError for a label that no document has, and where nothing is left to take."""
    sizes = context.sizes(params.pool, params.by)
    have = dict(zip(sizes.labels, sizes.documents.tolist(), strict=True))
    for field, given in (("records", params.records), ("shares", params.shares)):
        for label in given:
            if label not in have:
                message = f"no document has the label {label!r} of {params.by!r}{nearest(label, sizes.labels)}"
                raise RecipeError(f"{context.place}.{field}", message)
    counts = {**params.records, **{label: share_of(share, have[label]) for label, share in params.shares.items()}}
    total = sum(counts.values())
    if not total:
        raise RecipeError(f"{context.place}.shares", "all shares round down to no document")
    weights = {label: count / total for label, count in counts.items() if count}
    return [
        phase_of(
            params,
            records=total,
            mixture=Fixed(method="fixed", by=params.by, weights=weights, max_epochs=None),
        )
    ]
