"""Weights to whole draws and to budgets a group: sums are met, what a group cannot give is said."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from schemas.mixers import Rounding

Float = npt.NDArray[np.float64]
Exhausted = Literal["repeat", "redistribute", "stop"]


def apportion(
    weights: Float, n: int, rounding: Rounding = "largest_remainder", draw: np.random.Generator | None = None
) -> npt.NDArray[np.int64]:
    """Whole counts for weights · n: int64[g], sum n (``floor``: n at most), within 1 of it but for last_takes_rest.

    A weight of 0 gives 0. Largest remainder: ties to the lower index (late_ties: the higher). last_takes_rest: floor,
    what is missing to the last group (Skill-It, Aioli). in_order: floor, then one each from the first on (FoMo-in-Flux).
    random: floor, then one each to groups drawn without replacement by ``draw`` (MosaicML Streaming).

    >>> apportion(np.array([0.5, 0.3, 0.2]), 9).tolist()
    [4, 3, 2]
    """
    exact = np.asarray(weights, dtype=np.float64) * n
    counts = np.floor(exact + 1e-9).astype(np.int64)
    able = np.flatnonzero(np.asarray(weights) > 0)
    missing = n - int(counts.sum())
    if rounding == "floor" or missing <= 0 or not len(able):
        return counts
    if rounding == "last_takes_rest":
        counts[able[-1]] += missing
        return counts
    if rounding == "in_order":
        chosen = able
    elif rounding == "random":
        chosen = able if draw is None else draw.permutation(able)
    else:
        left = np.round(exact[able] - counts[able], 12)
        late = rounding == "late_ties"
        chosen = able[::-1][np.argsort(-left[::-1], kind="stable")] if late else able[np.argsort(-left, kind="stable")]
    counts[chosen[:missing]] += 1
    return counts


def most(have: Float, exhausted: Exhausted, max_epochs: float | None) -> Float:
    """What each group can give at most, float64[g]: once what it holds, or ``max_epochs`` times."""
    if exhausted != "repeat":
        return have
    return np.full(len(have), np.inf) if max_epochs is None else have * max_epochs


def whole_counts(
    targets: Float,
    have: Float,
    exhausted: Exhausted,
    max_epochs: float | None,
    rounding: Rounding,
    draw: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Budgets in documents as whole counts: int64[g]. No rounding passes what a group can give (but a broken document
    of a cap that is no whole number); what that takes away goes to the first groups with room."""
    total = targets.sum()
    counts = apportion(targets / total, round(total), rounding, draw)
    cap = np.ceil(most(have, exhausted, max_epochs) - 1e-9)
    over = int(np.maximum(counts - cap, 0).sum())
    counts = np.minimum(counts, cap).astype(np.int64)
    for group in np.flatnonzero((targets > 0) & (counts < cap)):
        more = int(min(over, cap[group] - counts[group]))
        counts[group] += more
        over -= more
    return counts


def allot(
    weights: Float,
    amount: float,
    have: Float,
    *,
    exhausted: Exhausted,
    max_epochs: float | None,
) -> tuple[Float, list[str]]:
    """Budgets a group: float64[g], and notes on what differs from weights · amount.

    have: what each group holds, in the budget's unit. With ``repeat`` a group gives at most ``max_epochs`` times what
    it holds, the rest goes to the others; with ``redistribute`` and ``stop`` it gives what it holds once.
    """
    wanted = weights * amount
    cap = most(have, exhausted, max_epochs) * (1 + 1e-12)
    if (wanted <= cap).all():
        return wanted, []
    targets = np.minimum(wanted, cap)
    if exhausted == "stop":
        return targets, []
    for _ in range(len(targets)):
        missing, room = amount - targets.sum(), cap - targets
        open_ = (room > 1e-9) & (weights > 0)
        if missing <= 1e-9 * amount or not open_.any():
            break
        share = np.where(open_, weights, 0.0)
        targets = np.minimum(cap, targets + missing * share / share.sum())
    return targets, ["some groups held less than their share; others took it over"]
