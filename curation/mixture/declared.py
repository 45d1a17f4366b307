"""A plan from declared group sizes (``syllabus plan --sizes FILE``), before there is any text.

What sizes cannot know is refused by its place in the recipe, never guessed: selectors, scores, orders by a score, filters
on other names, documents where only tokens are given. Tokens are taken as written, whatever the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation import storage
from curation.methods import orders
from curation.methods.losses import LossReport
from curation.methods.mixers import Sizes
from curation.mixture import plan as plan_stage
from curation.mixture.planning import BY_LABEL
from curation.recipes.similar import nearest
from schemas.errors import RecipeError, RecipeMistakes
from schemas.filters import Bounds, Filter
from schemas.orders import POOL
from schemas.phases import Phase, Pool
from schemas.plan import Plan
from schemas.recipe import Recipe
from schemas.schedules import Amounts, Cyclical, Difficulty, LearningCurve, NotebookRounds, Pacing, SkillCurriculum

BY_SCORES = (Cyclical, Difficulty, Pacing)
BY_DOCUMENTS = (Amounts, LearningCurve, NotebookRounds, SkillCurriculum)
PLACE = "--sizes"


@dataclass(frozen=True)
class Declared:
    """The sizes of one grouping's labels; documents: of those labels that say."""

    path: str
    tokens: dict[str, int]
    documents: dict[str, int]


def plan_declared(recipe: Recipe, declared: Declared, losses: LossReport | None) -> Plan:
    """A plan where every mixture's groups have the declared sizes. Raises RecipeMistakes for what they cannot know."""
    by = grouping(recipe)
    mistakes = list(_unknown(recipe, declared, by))
    if mistakes:
        raise RecipeMistakes(mistakes)

    def sizes_of(phase: Phase, place: str, grouped: str | None) -> Sizes:
        labels = tuple(sorted(label for label in declared.tokens if _holds(phase.pool, by, label)))
        tokens = np.array([declared.tokens[label] for label in labels], dtype=np.int64)
        # Where documents count, every label has them; elsewhere it matters only that a group has some.
        documents = np.array([declared.documents.get(label, int(declared.tokens[label] > 0)) for label in labels])
        if grouped is None:
            return Sizes(("(all)",), np.array([int(documents.sum())]), np.array([int(tokens.sum())]))
        return Sizes(labels, documents.astype(np.int64), tokens)

    def means(pool: Pool, grouped: str, score: str) -> dict[str, float]:
        raise RecipeError("phases", f"the mean of {score!r} by {grouped!r} needs documents: plan without --sizes")

    return plan_stage.plan(recipe, plan_stage.Groups(sizes_of, means), plan_stage.Feedback(losses))


def grouping(recipe: Recipe) -> str:
    """The name that the declared labels are of: the only one that the recipe groups by. Raises RecipeError for several."""
    used: dict[str, str] = {}
    mixes_by_default = recipe.mixture is not None and (
        not recipe.phases or any(getattr(entry, "mixture", None) == "inherit" for entry in recipe.phases)
    )
    if mixes_by_default and recipe.mixture is not None:
        used[recipe.mixture.grouping] = "mixture.by"
    for number, entry in enumerate(recipe.phases):
        mixture = getattr(entry, "mixture", None)
        if mixture is not None and not isinstance(mixture, str):
            used.setdefault(mixture.grouping, f"phases[{number}].mixture.by")
        if isinstance(entry, BY_LABEL):
            used.setdefault(entry.by, f"phases[{number}].by")
    if len(used) > 1:
        named = ", ".join(f"{by!r} ({place})" for by, place in used.items())
        raise RecipeError(PLACE, f"sizes are of one grouping, the recipe has several: {named}; plan without --sizes")
    return next(iter(used), "source")


def _unknown(recipe: Recipe, declared: Declared, by: str) -> Iterator[RecipeError]:
    """One error for each thing that the plan needs and sizes cannot know."""
    if by == "source":
        names = [source.name for source in recipe.sources]
        for label in declared.tokens:
            if label not in names:
                yield RecipeError(
                    PLACE, f"{declared.path}: {label!r} is no source of the recipe{nearest(label, names)}"
                )
        for name in names:
            if name not in declared.tokens:
                yield RecipeError(PLACE, f"{declared.path}: no size for the source {name!r}; 0 is one")
    for number, entry in enumerate(recipe.phases):
        place = f"phases[{number}]"
        if getattr(entry, "evaluation", False):
            yield _needs_documents(f"{place}.evaluation", "an evaluation, which other phases do not draw from,")
        for name, wanted in entry.pool.where.items():
            yield from _filter(name, wanted, declared, by, f"{place}.pool.where.{name}")
        for index, selector in enumerate(entry.pool.select):
            yield _needs_documents(f"{place}.pool.select[{index}]", f"the selector {selector.method!r}")
        if isinstance(entry, BY_SCORES):
            yield _needs_documents(f"{place}.method", f"{entry.method!r}")
        if isinstance(entry, SkillCurriculum) and entry.score is not None:
            yield _needs_documents(f"{place}.score", f"the mean of {entry.score!r}")
        for field, name in orders.names_of(entry.order).items():
            if name not in (by, POOL):
                yield _needs_documents(f"{place}.order.{field}", f"an order by {name!r}")
        in_records = getattr(entry, "records", None) is not None
        without = sorted(declared.tokens.keys() - declared.documents.keys())
        if without and (in_records or isinstance(entry, BY_DOCUMENTS)):
            yield RecipeError(
                f"{place}.records" if in_records else f"{place}.method",
                f"counts documents, and {declared.path} gives only tokens for {without[0]!r}; "
                "write {documents: …, tokens: …}",
            )


def _filter(name: str, wanted: Filter, declared: Declared, by: str, place: str) -> Iterator[RecipeError]:
    if name != by:
        yield RecipeError(place, f"the sizes are by {by!r} and say nothing of {name!r}; plan without --sizes")
    elif isinstance(wanted, Bounds):
        yield _needs_documents(place, "a range")
    else:
        for label in _labels(wanted):
            if label not in declared.tokens:
                close = nearest(label, list(declared.tokens))
                yield RecipeError(place, f"{declared.path} has no label {label!r}{close}")


def _needs_documents(place: str, what: str) -> RecipeError:
    return RecipeError(place, f"{what} needs documents, which sizes do not tell of; plan without --sizes")


def _labels(wanted: Filter) -> list[str]:
    values = wanted if isinstance(wanted, list) else [wanted]
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in values]


def _holds(pool: Pool, by: str, label: str) -> bool:
    return by not in pool.where or label in _labels(pool.where[by])


def load_sizes(path: str) -> Declared:
    """The sizes of a JSON file: label -> tokens, or label -> {documents, tokens}. Raises RecipeError (``--sizes``)."""
    shape = "write an object, label -> tokens or label -> {documents, tokens}"
    try:
        loaded = json.loads(storage.read_bytes(path))
    except FileNotFoundError:
        raise RecipeError(PLACE, f"{path}: there is no such file") from None
    except ValueError:
        raise RecipeError(PLACE, f"{path}: not valid JSON; {shape}") from None
    if not isinstance(loaded, dict) or not loaded:
        raise RecipeError(PLACE, f"{path}: {shape}")
    made = Declared(path, {}, {})
    for label, size in loaded.items():
        if isinstance(size, dict):
            if size.keys() != {"documents", "tokens"}:
                raise RecipeError(PLACE, f"{path}: {label!r} has not documents and tokens, and these alone; {shape}")
            made.documents[label] = _whole(size["documents"], path, label, "documents")
            made.tokens[label] = _whole(size["tokens"], path, label, "tokens")
        else:
            made.tokens[label] = _whole(size, path, label, "tokens")
    return made


def _whole(value: Any, path: str, label: str, of: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise RecipeError(PLACE, f"{path}: {label!r} has no number of {of}")
    return int(value)
