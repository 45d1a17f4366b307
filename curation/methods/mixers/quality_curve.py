"""Dolma 3's quality-aware upsampling: copies that rise with quality along C x^p e^(λx), fitted to a budget under a cap.

Source: Dolma 3 (Olmo 3 report, 2025; its mixing code). Groups in ascending order stand at x, the cumulative share of tokens;
∫ f = Z, what is asked over what is held; the mean of f over the best group is at most M. Of p on 20 points in [.01, 2], each with
the greatest feasible λ in [0, 2], the greatest p wins. Where we differ: the integral is met exactly and M is not passed (there: 10
tokens and .01), and where not even p = .01 with λ = 0 keeps M, the flat curve is taken, if it does.
"""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, ascending
from schemas.errors import RecipeError
from schemas.mixers import QualityCurve
from schemas.tables import NO_LABEL

EXPONENTS = np.linspace(0.01, 2.0, 20)
"""p."""
STEEPEST = 2.0
"""λ at most."""
HALVINGS = 60
TERMS = 40
"""Of the series of the integral: λx is 2 at most, and 2^40 / 40! is below 1e-36."""


def quality_curve(sizes: Sizes, params: QualityCurve, context: MixContext) -> Weights:
    """Weights float64[g]: each group's copies x what it holds, over the budget.

    Raises RecipeError for groups without a label or without tokens, and for a budget that the cap cannot give.
    """
    of = f" of {context.group!r}" if context.group else ""
    if NO_LABEL in sizes.labels:
        n = sizes.documents[sizes.labels.index(NO_LABEL)]
        raise RecipeError(
            context.place,
            f"{n:,} documents{of} have no {params.grouping!r}; leave them out: pool: {{where: …}}, or give them one",
        )
    order = ascending(sizes.labels)
    held = sizes.held[order].astype(float)
    if not held.all():
        empty = sizes.labels[order[int(np.argmin(held))]]
        raise RecipeError(f"{context.place}.by", f"the group {empty!r}{of} holds nothing; make fewer steps")
    shares = held / held.sum()
    first = int(np.searchsorted(np.cumsum(shares), params.throwaway + 1e-12, side="right"))
    kept = shares[first:]
    asked = context.budget / held.sum() if np.isfinite(context.budget) else float(kept.sum())
    cap = params.max_epochs if params.max_epochs is not None else np.inf
    if asked > cap * kept.sum() * (1 + 1e-12):
        raise RecipeError(
            f"{context.place}.max_epochs",
            f"{context.budget:,.0f} {sizes.unit}{of} are asked, and the groups that are kept can give "
            f"{cap * kept.sum() * held.sum():,.0f} at {cap:g} copies; lower the budget or raise max_epochs",
        )
    weights = np.zeros(len(held))
    weights[order[first:]] = copies(kept, asked, cap) * kept
    return weights / weights.sum()


def copies(shares: Weights, asked: float, cap: float) -> Weights:
    """Copies of each group, never falling: float64[g].

    shares: of the tokens, in ascending quality, float64[g]; their sum is W. asked: Z, the copies x shares summed; at most
    ``cap`` x W. No group's copies are above ``cap``.
    """
    edges = np.concatenate([[0.0], np.cumsum(shares)])
    for exponent in EXPONENTS[::-1]:

        def of_steps(slope: float, exponent: float = exponent) -> Weights:
            whole = _integral(edges, exponent, slope)
            return asked * np.diff(whole) / whole[-1] / shares

        if of_steps(0.0)[-1] > cap:
            continue
        low, high = 0.0, STEEPEST
        if of_steps(high)[-1] <= cap:
            return of_steps(high)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if of_steps(middle)[-1] <= cap else (low, middle)
        return of_steps(low)
    return np.full(len(shares), asked / edges[-1])


def _integral(x: Weights, exponent: float, slope: float) -> Weights:
    """∫ from 0 to x of u^p e^(λu) du = x^(p + 1) Σ (λx)^k / (k! (p + 1 + k)): float64[n]."""
    total, term = np.zeros(len(x)), np.ones(len(x))
    for k in range(TERMS):
        total += term / (exponent + 1 + k)
        term = term * (slope * x) / (k + 1)
    return x ** (exponent + 1) * total
