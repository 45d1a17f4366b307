"""Skill curriculum (Skill-It's baseline, Chen et al. 2023): skill after skill by loss, then all of them."""

from __future__ import annotations

from collections.abc import Mapping

from curation.methods.schedules.types import ScheduleContext, phase_of
from curation.recipes.similar import nearest
from schemas.errors import RecipeError
from schemas.mixers import Fixed
from schemas.phases import Phase
from schemas.schedules import SkillCurriculum


def skill_curriculum(params: SkillCurriculum, context: ScheduleContext) -> list[Phase]:
    """One phase a skill, easiest first, and a last one over everything.

    Raises RecipeError for a skill without a loss, a loss of an unknown skill, and a skill whose phase would be empty.
    """
    sizes = context.sizes(params.pool, params.by)
    losses = params.losses if params.losses is not None else context.means(params.pool, params.by, params.score or "")
    place = f"{context.place}.{'losses' if params.losses is not None else 'score'}"
    for label in losses:
        if label not in sizes.labels:
            raise RecipeError(
                place, f"no document has the label {label!r} of {params.by!r}{nearest(label, sizes.labels)}"
            )
    for label in sizes.labels:
        if label not in losses:
            raise RecipeError(place, f"the skill {label!r} of the pool has no loss")
    counts = dict(zip(sizes.labels, sizes.documents.tolist(), strict=True))
    parts, last = stages(counts, losses, params.records, params.mixing)
    phases = []
    for number, part in enumerate(parts):
        total = sum(part.values())
        if not total:
            raise RecipeError(f"{context.place}.records", f"too few for a phase of {max(part, default='')!r}; raise it")
        weights = {label: count / total for label, count in part.items()}
        mixture = Fixed(method="fixed", by=params.by, weights=weights)
        phases.append(_phase(params, number, total, mixture))
    return [*phases, _phase(params, len(parts), last, None)] if last > 0 else phases


def stages(
    counts: Mapping[str, int], losses: Mapping[str, float], total: int, mixing: float
) -> tuple[list[dict[str, int]], int]:
    """Documents of each skill in each phase, and those of the last phase over everything."""
    order = sorted(counts, key=lambda label: (losses[label], label))
    scale = total / sum(counts[s] * (2 + (len(order) - rank) * mixing) for rank, s in enumerate(order, start=1))
    parts = []
    for place, skill in enumerate(order):
        earlier = {other: int(scale * mixing * counts[other]) for other in order[:place]}
        parts.append({s: n for s, n in {**earlier, skill: int(scale * counts[skill])}.items() if n})
    return parts, total - sum(sum(part.values()) for part in parts)


def _phase(params: SkillCurriculum, number: int, records: int, mixture: Fixed | None) -> Phase:
    return phase_of(
        params,
        number + 1,
        records=records,
        mixture=mixture,
    )
