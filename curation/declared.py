"""``syllabus plan``: phases, weights and budgets without writing, from a release's groups or from declared sizes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from curation import storage
from curation.losses import LossReport, read_losses
from curation.mixers import Sizes
from curation.release import Home
from curation.stages import plan as plan_stage
from curation.stages import planning
from curation.stages.pool import BYTES_PER_TOKEN
from schemas.errors import RecipeError
from schemas.phases import Phase, Pool
from schemas.plan import Plan
from schemas.recipe import Recipe

DECLARED_BYTES = 4_000
"""A declared group has no documents: its tokens count as documents of this many bytes."""


def plan_recipe(recipe: Recipe, *, losses: str | None, sizes: str | None) -> list[dict[str, Any]]:
    """The phases of a recipe, from ``sizes`` (a JSON file: label -> tokens), else from the pool of the last release.

    Raises RecipeError where there is neither.
    """
    report = read_losses(losses) if losses is not None else None
    if sizes is not None:
        made = plan_declared(recipe, _load_sizes(sizes), report)
    else:
        home = Home(storage.join(recipe.output, recipe.name))
        latest = home.latest()
        if latest is None:
            raise RecipeError(
                "", f"no release of {recipe.name!r} under {recipe.output!r} yet: run it, or give --sizes FILE"
            )
        pool = planning.pool_of_release(home.path(latest), recipe)
        made = planning.plan_of_pool(recipe, pool, planning.feedback_of(report, home.manifest(latest)))
    return [as_plain(phase) for phase in made.phases]


def plan_declared(recipe: Recipe, declared: dict[str, int], losses: LossReport | None) -> Plan:
    """A plan where every mixture's groups have the declared tokens; pool filters on the mixture's name are kept."""

    def sizes_of(phase: Phase, place: str, by: str | None) -> Sizes:
        wanted = phase.pool.where.get(by) if by is not None else None
        keep = (
            None
            if wanted is None or not isinstance(wanted, str | list)
            else {wanted}
            if isinstance(wanted, str)
            else set(wanted)
        )
        labels = tuple(sorted(label for label in declared if keep is None or label in keep))
        tokens = np.array([declared[label] for label in labels], dtype=np.int64)
        sizes = Sizes(labels, -(-tokens * BYTES_PER_TOKEN // DECLARED_BYTES), tokens)
        if by is None:
            return Sizes(("(all)",), np.array([int(sizes.documents.sum())]), np.array([int(tokens.sum())]))
        return sizes

    def means(pool: Pool, by: str, score: str) -> dict[str, float]:
        raise RecipeError(
            "phases", f"the mean of {score!r} by {by!r} needs documents: plan from a release, without --sizes"
        )

    return plan_stage.plan(recipe, plan_stage.Groups(sizes_of, means), plan_stage.Feedback(losses))


def as_plain(phase: Any) -> dict[str, Any]:
    """A planned phase as plain data."""
    return {
        "name": phase.name,
        "by": phase.by,
        "unit": phase.unit,
        "budget": phase.budget,
        "weights": dict(zip(phase.labels, phase.weights, strict=True)),
        "targets": dict(zip(phase.labels, phase.targets, strict=True)),
        "exhausted": phase.exhausted,
        "max_epochs": phase.max_epochs,
        "order": phase.order if isinstance(phase.order, str) else phase.order.model_dump(),
        "conditioning": phase.conditioning.model_dump() if phase.conditioning is not None else None,
        "pool": phase.pool.model_dump(),
        "notes": list(phase.notes),
    }


def _load_sizes(path: str) -> dict[str, int]:
    try:
        loaded = json.loads(storage.read_bytes(path))
    except FileNotFoundError:
        raise RecipeError("--sizes", f"{path}: there is no such file") from None
    except ValueError:
        raise RecipeError("--sizes", f"{path}: not valid JSON; write an object, label -> tokens") from None
    if not isinstance(loaded, dict) or not loaded:
        raise RecipeError("--sizes", f"{path}: write an object, label -> tokens")
    for label, tokens in loaded.items():
        if isinstance(tokens, bool) or not isinstance(tokens, int | float) or not tokens >= 0 or tokens == float("inf"):
            raise RecipeError("--sizes", f"{path}: {label!r} is no number of tokens")
    return {label: int(tokens) for label, tokens in loaded.items()}
