"""Soft borders: between two phases a stretch over which the weights of the one become those of the other."""

from __future__ import annotations

from pydantic import ValidationError

from curation.mixture.inherited import conditioning_of, mixture_of
from schemas.errors import RecipeError
from schemas.mixers import Moving
from schemas.phases import Phase
from schemas.recipe import Recipe

UNITS = ("tokens", "records")


def softened(phases: list[tuple[Phase, str]], recipe: Recipe) -> list[tuple[Phase, str]]:
    """The phases with one more at each soft border, ``<before>-to-<after>``, half of whose budget each side gives.

    Raises RecipeError where the two are not of one pool, format and unit, group otherwise, or are too small for it.
    """
    made: list[tuple[Phase, str]] = []
    for phase, place in phases:
        if phase.border is None:
            made.append((phase, place))
            continue
        if not made:
            raise RecipeError(f"{place}.border", f"{phase.name!r} is the first phase: there is none before it")
        before, before_place = made.pop()
        unit = next((unit for unit in UNITS if getattr(phase, unit) is not None), None)
        if unit is None or getattr(before, unit) is None:
            raise RecipeError(
                f"{place}.border", f"give {before.name!r} and {phase.name!r} both tokens, or both records"
            )
        if before.pool != phase.pool or conditioning_of(before, recipe) != conditioning_of(phase, recipe):
            raise RecipeError(
                f"{place}.border", f"{before.name!r} and {phase.name!r} have not the same pool and conditioning"
            )
        half = phase.border // 2
        left = {before.name: getattr(before, unit) - half, phase.name: getattr(phase, unit) - (phase.border - half)}
        short = [name for name, amount in left.items() if amount < 1]
        if short:
            raise RecipeError(f"{place}.border", f"nothing is left of {short[0]!r}; lower the border")
        between = phase.model_copy(
            update={
                "name": f"{before.name}-to-{phase.name}",
                unit: phase.border,
                "mixture": _moving(before, phase, recipe, place),
                "border": None,
            }
        )
        made.append((before.model_copy(update={unit: left[before.name]}), before_place))
        made.append((between, place))
        made.append((phase.model_copy(update={unit: left[phase.name], "border": None}), place))
    return made


def _moving(before: Phase, phase: Phase, recipe: Recipe, place: str) -> Moving:
    start, end = mixture_of(before, recipe), mixture_of(phase, recipe)
    if start is None or end is None or start.grouping != end.grouping:
        raise RecipeError(f"{place}.border", f"{before.name!r} and {phase.name!r} are not mixed by the same groups")
    try:
        return Moving(method="moving", by=start.by, start=start, end=end, shape="linear", max_epochs=end.max_epochs)
    except ValidationError as error:
        raise RecipeError(f"{place}.border", str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None
