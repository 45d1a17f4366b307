"""How large a subset should be, from the learning curve of smaller runs.

Sources: learning-curve modelling (a · x^−b + c on growing prefixes); superficial alignment revisited (performance
∝ D^(1/b)). The stopping rule, the first size at which the slope is below a bound, is ours.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import optimize

from curation.methods.numbers_table import read_numbers
from curation.methods.schedules.types import ScheduleContext, phase_of
from schemas.errors import RecipeError
from schemas.phases import Phase
from schemas.schedules import LearningCurve

Float = npt.NDArray[np.float64]


def learning_curve(params: LearningCurve, context: ScheduleContext) -> list[Phase]:
    """One phase of as many documents as the curve asks.

    Raises RecipeError for too few points, a curve that does not fall (grow), and a value that it never reaches.
    """
    place = f"{context.place}.points"
    table = read_numbers(params.points, place, numbers=("size", "value"))
    sizes, values = table["size"].to_numpy(), table["value"].to_numpy()
    size = needed(params, sizes, values, context.place)
    have = int(context.sizes(params.pool, None).documents.sum())
    if size > have:
        raise RecipeError(context.place, f"the curve asks for {size:,} documents, the pool has {have:,}")
    return [
        phase_of(
            params,
            records=size,
        )
    ]


def needed(params: LearningCurve, sizes: Float, values: Float, place: str) -> int:
    """The least whole size that does what the recipe asks; at least 1."""
    if params.curve == "growth":
        slope, factor = growth(sizes, values, f"{place}.points")
        if slope <= 0 or params.reach is None or params.reach <= 0:
            raise RecipeError(f"{place}.reach", f"a curve that grows as size^{slope:.3g} never reaches {params.reach}")
        return max(1, math.ceil((params.reach / factor) ** (1 / slope) - 1e-9))
    a, b, c = decay(sizes, values, f"{place}.points")
    if params.flat is not None:
        return max(1, math.ceil((a * b / params.flat) ** (1 / (b + 1)) - 1e-9))
    if params.reach is None or params.reach <= c:
        raise RecipeError(f"{place}.reach", f"the curve falls to {c:.4g} and never reaches {params.reach}")
    return max(1, math.ceil((a / (params.reach - c)) ** (1 / b) - 1e-9))


def growth(sizes: Float, values: Float, place: str = "points") -> tuple[float, float]:
    """(slope, factor) of value = factor · size^slope, by least squares in logarithms."""
    if len(np.unique(sizes)) < 2 or (sizes <= 0).any() or (values <= 0).any():
        raise RecipeError(place, "a power law needs two sizes at least, and sizes and values above 0")
    slope, intercept = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope), float(np.exp(intercept))


def decay(sizes: Float, values: Float, place: str = "points") -> tuple[float, float, float]:
    """(a, b, c) of value = a · size^−b + c with a, b > 0 and c ≥ 0, by least squares."""
    if len(np.unique(sizes)) < 4 or (sizes <= 0).any():
        raise RecipeError(place, "the curve needs four sizes at least, all above 0")

    def of(b: float) -> tuple[float, float, float]:
        powers = np.column_stack([sizes**-b, np.ones(len(sizes))])
        (a, c), rest = optimize.nnls(powers, values)
        return float(rest), float(a), float(c)

    grid = np.geomspace(1e-3, 8, 200)
    best = int(np.argmin([of(b)[0] for b in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    b = float(
        optimize.minimize_scalar(lambda x: of(x)[0], bounds=(low, high), method="bounded", options={"xatol": 1e-10}).x
    )
    _, a, c = of(b)
    if a <= 0 or best == 0:
        raise RecipeError(place, "the values do not fall with the size: there is nothing to extrapolate")
    return a, b, c
