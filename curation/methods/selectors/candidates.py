"""What selectors see of a pool: ids, tokens and named columns, never text."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from curation.arrays.sorting import order_by
from schemas.errors import RecipeError

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Labelled(Protocol):
    """Dictionary-coded labels: ``names[codes[i]]``, -1 for none."""

    @property
    def codes(self) -> npt.NDArray[np.int32]: ...
    @property
    def names(self) -> tuple[str, ...]: ...


class Candidates(Protocol):
    """The documents to select from; ids uint64[n, 2], tokens int64[n], rows in (source place, path, row) order."""

    ids: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int64]

    def column(self, name: str, place: str) -> Any:
        """float64[n] (NaN for none) or labels. Raises RecipeError for a name that there is not."""


def scores_of(candidates: Candidates, name: str, place: str) -> Float:
    """A column as numbers: float64[n]; NaN is no score. Labels that are all numbers count as numbers.

    Raises RecipeError where a label is no number, or where there are documents and none has a score.
    """
    column = candidates.column(name, place)
    values = column if isinstance(column, np.ndarray) else numbers_of(column, name, place)
    if len(values) and np.isnan(values).all():
        raise RecipeError(place, f"no document of the pool has a number {name!r}")
    return values


def numbers_of(labels: Labelled, name: str, place: str) -> Float:
    """Labels read as numbers: float64[n]. Raises RecipeError at the first that is none."""
    table = np.full(len(labels.names) + 1, np.nan)
    for i, label in enumerate(labels.names):
        try:
            table[i] = float(label)
        except ValueError:
            message = f"{name!r} holds labels, not numbers; make it with a scorer (from: number)"
            raise RecipeError(place, message) from None
    return table[labels.codes]


def codes_of(candidates: Candidates, name: str, place: str) -> tuple[Int, list[str]]:
    """A column as labels: codes int64[n] into the sorted list of labels, -1 for none. Numbers are written with %g."""
    column = candidates.column(name, place)
    if not isinstance(column, np.ndarray):
        return column.codes.astype(np.int64), list(column.names)
    values, codes = np.unique(column, return_inverse=True)
    codes = np.where(np.isnan(column), -1, codes).astype(np.int64)
    return codes, [f"{v:g}" for v in values if not np.isnan(v)]


def by_id(ids: npt.NDArray[np.uint64], *keys: npt.NDArray[Any]) -> Int:
    """The permutation that sorts by ``keys`` (the first counts most), ties by id, then by row: int64[n]."""
    return order_by(ids, *keys)


def share_of(share: float, n: int) -> int:
    """``share`` of n documents, rounded down, but 0.29 of 100 is 29."""
    return int(np.floor(share * n + 1e-9))


def holds(candidates: Candidates, name: str, place: str) -> Mask:
    """Where a column says yes: a number over 0, or a label ``true`` or ``yes`` in any case: bool[n]."""
    column = candidates.column(name, place)
    if isinstance(column, np.ndarray):
        return np.nan_to_num(column, nan=0.0) > 0
    yes = [label.lower() in ("true", "yes") or _positive(label) for label in column.names]
    return np.array([*yes, False])[column.codes]


def _positive(label: str) -> bool:
    try:
        return float(label) > 0
    except ValueError:
        return False


def first_of_groups(order: Int, groups: Int, counts: Int) -> Int:
    """The rows that come first in ``order`` of each group: at most ``counts[group]`` of them.

    order: int64[m] rows, best first. groups: int64[n] by row. counts: int64[number of groups].
    """
    group = groups[order]
    by_group = np.argsort(group, kind="stable")
    ordered = group[by_group]
    starts = np.searchsorted(ordered, np.arange(len(counts)))
    place = np.arange(len(ordered)) - starts[ordered]
    return order[by_group[place < counts[ordered]]]


def as_mask(rows: Int, n: int) -> Mask:
    """Rows as bool[n]."""
    kept = np.zeros(n, dtype=bool)
    kept[rows] = True
    return kept
