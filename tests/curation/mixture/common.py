"""Pools and phases as the published vectors have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from curation.mixture.plan import Feedback
from curation.mixture.pool import Pool
from schemas.plan import PlannedPhase
from tests.curation.methods.schedules.common import planned, pool


def groups_of(*tokens: float, labels: list[str] | None = None) -> Pool:
    """One document a group, of so many tokens; groups are named 00, 01, …"""
    names = labels or [f"{i:02}" for i in range(len(tokens))]
    documents = pool(len(names), g=names)
    documents.tokens = np.array(tokens, dtype=np.float64).round().astype(np.int64)
    documents.bytes_ = 4 * documents.tokens
    return documents


def phase_of(documents: Pool, mixture: dict[str, Any], losses: Any = None, **fields: Any) -> PlannedPhase:
    """The only phase of a recipe with this mixture of ``g``."""
    budget = fields or {"epochs": 1}
    phase = {"name": "p", "mixture": {"by": "g", **mixture}, **budget}
    plan, _ = planned(documents, [phase], Feedback(losses))
    return plan.phases[0]


def counts_of(documents: Pool, phase: dict[str, Any]) -> list[int]:
    """Documents of each group, in the groups' order, as scheduled."""
    _, ordered = planned(documents, [phase])
    column = documents.columns["g"]
    assert not isinstance(column, np.ndarray)
    return np.bincount(column.codes[ordered.document], minlength=len(column.names)).tolist()


def many(n: int, groups: int) -> Pool:
    """n documents of ten tokens in each group."""
    return pool(n * groups, g=[f"{i:02}" for i in range(groups) for _ in range(n)])


def graph_of(matrix: Any) -> dict[str, dict[str, float]]:
    return {f"{i:02}": {f"{j:02}": float(w) for j, w in enumerate(row)} for i, row in enumerate(matrix)}
