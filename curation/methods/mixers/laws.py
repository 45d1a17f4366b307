"""What mixing laws share: reading a fitted law, and the tasks' weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from curation.methods.mixers.types import Sizes, Weights
from curation.methods.numbers_table import read_json
from schemas.errors import RecipeError

Matrix = npt.NDArray[np.float64]


def read_law(path: str, sizes: Sizes, fields: Mapping[str, int], place: str) -> dict[str, Matrix]:
    """The arrays of a law's JSON file, columns and rows that follow its ``labels`` moved to the groups' order.

    fields: name -> the axis that follows labels (-1: none). Raises RecipeError at ``place``.
    """
    loaded = read_json(path, place)
    labels = loaded.get("labels") if isinstance(loaded, dict) else None
    if not isinstance(labels, list):
        raise RecipeError(place, f"{path}: write an object with labels, {', '.join(fields)}")
    for label in sizes.labels:
        if label not in labels:
            raise RecipeError(place, f"{path}: the law has no label {label!r}; the pool has")
    order = [labels.index(label) for label in sizes.labels]
    result: dict[str, Matrix] = {}
    for name, axis in fields.items():
        try:
            array = np.array(loaded[name], dtype=np.float64)
        except (KeyError, TypeError, ValueError):
            raise RecipeError(place, f"{path}: {name!r} is missing, or no array of numbers") from None
        if not np.isfinite(array).all() or (axis >= 0 and (array.ndim != 2 or array.shape[axis] != len(labels))):
            raise RecipeError(place, f"{path}: {name!r} has not the shape that labels asks, or holds no finite numbers")
        result[name] = np.take(array, order, axis=axis) if axis >= 0 else array
    return result


def task_weights(targets: Mapping[str, float], tasks: int, from_runs: bool, place: str) -> Weights:
    """Weights of the tasks, float64[tasks], summing to 1; of a law's file they go by the task's place."""
    if from_runs:
        weights = np.array(list(targets.values()))
    elif not targets:
        weights = np.ones(tasks)
    else:
        for name in targets:
            if not name.isdigit() or int(name) >= tasks:
                raise RecipeError(f"{place}.targets", f"{name!r} is no place of a task of the law: 0 to {tasks - 1}")
        weights = np.array([targets.get(str(i), 0.0) for i in range(tasks)])
    return weights / weights.sum()
