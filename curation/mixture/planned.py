"""What ``syllabus plan`` plans from: the pool of the last release, where the recipe would give the same one today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curation import storage
from curation.decontamination.items import item_files
from curation.methods.losses import LossReport
from curation.mixture import planning
from curation.mixture.pool import Pool
from curation.recipes.side_files import side_files
from curation.releases import history
from curation.releases.home import Home
from curation.releases.manifest import pool_key
from curation.stages import catalogue
from schemas.plan import Fit, Plan, PlannedPhase
from schemas.recipe import Recipe
from schemas.work import Input


@dataclass(frozen=True)
class Planned:
    """A plan, and what it is from: sizes, a release's pool, or one that was prepared for it. documents: of the pool."""

    plan: Plan
    source: str
    release: str | None = None
    documents: int | None = None

    @property
    def said(self) -> str:
        """Where the plan is from, in a sentence."""
        if self.documents is None:
            return f"planned from {self.source}"
        return f"planned from {self.source}, {self.documents:,} documents"

    def as_plain(self) -> dict[str, Any]:
        return {
            "phases": [as_plain(phase) for phase in self.plan.phases],
            "from": {"source": self.source, "release": self.release, "documents": self.documents},
        }


@dataclass(frozen=True)
class Looked:
    """What a run of the recipe would read now. new: whether any of it is left to read, for recipes with history."""

    inputs: list[Input]
    benchmarks: tuple[tuple[str, str], ...]
    pool_key: str
    new: bool = True


def look(recipe: Recipe, home: Home) -> Looked:
    """Find the inputs, and what decides their pool. Raises RecipeError."""
    inputs = catalogue.of_recipe(recipe, home)
    new = True
    if recipe.dedup.history:
        inputs = history.new_inputs(inputs, home)
        new = any(not file.fault for file in inputs)
    benchmarks = item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
    return Looked(inputs, benchmarks, pool_key(recipe, inputs, benchmarks, side_files(recipe), home.latest()), new)


def from_release(recipe: Recipe, losses: LossReport | None) -> Planned | None:
    """The plan of the last release's pool; None where there is none, or the recipe and its inputs would give another."""
    home = Home(storage.join(recipe.output, recipe.name))
    latest = home.latest()
    if latest is None:
        return None
    manifest = home.manifest(latest)
    looked = look(recipe, home)
    if looked.new and manifest.get("pool_key") != looked.pool_key:
        return None
    pool: Pool = planning.pool_of_release(home.path(latest), recipe)
    made = planning.plan_of_pool(recipe, pool, planning.feedback_of(losses, manifest))
    nothing_new = "" if looked.new else " (there is nothing new)"
    return Planned(made, f"the pool of release {latest}{nothing_new}", latest, len(pool))


def fit_as_plain(fit: Fit) -> dict[str, Any]:
    """How well a fitted mixture does on other runs, without each of them."""
    return {name: value for name, value in vars(fit).items() if name not in ("predicted", "seen")}


def passes(target: float, held: float) -> float | None:
    """How often what a group holds goes into its target; null where it holds nothing."""
    return target / held if held else None


def as_plain(phase: PlannedPhase) -> dict[str, Any]:
    """A planned phase as plain data."""
    return {
        "name": phase.name,
        "by": phase.by,
        "unit": phase.unit,
        "budget": phase.budget,
        "weights": dict(zip(phase.labels, phase.weights, strict=True)),
        "targets": dict(zip(phase.labels, phase.targets, strict=True)),
        "held": dict(zip(phase.labels, phase.held, strict=True)),
        "epochs": {label: passes(*of) for label, *of in zip(phase.labels, phase.targets, phase.held, strict=True)},
        "fit": None if phase.fit is None else fit_as_plain(phase.fit),
        "course": None if phase.course is None else dict(vars(phase.course)),
        "exhausted": phase.exhausted,
        "max_epochs": phase.max_epochs,
        "order": phase.order if isinstance(phase.order, str) else phase.order.model_dump(),
        "conditioning": phase.conditioning.model_dump() if phase.conditioning is not None else None,
        "pool": phase.pool.model_dump(),
        "notes": list(phase.notes),
    }
