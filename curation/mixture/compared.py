"""Two plans side by side: what each phase gives each group in the one and the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from curation.mixture.planned import passes
from schemas.plan import Plan, PlannedPhase


@dataclass(frozen=True)
class Side:
    """A group in one plan: its weight and target, how often what it holds goes into that, and how much of it is new text and how
    much was there before in the phase; in the phase's unit."""

    weight: float
    target: float
    epochs: float | None
    unique: float
    repeated: float


@dataclass(frozen=True)
class Compared:
    """A group of a phase in both plans; null where one does not have it. group null: the phase as a whole."""

    phase: str
    group: str | None
    unit: str
    first: Side | None
    second: Side | None


def compare(first: Plan, second: Plan) -> list[Compared]:
    """Phases by name, those of the first plan before those that only the second has; in each the whole, then its groups by what
    both ask of them, most first."""
    plans = [{phase.name: phase for phase in plan.phases} for plan in (first, second)]
    made: list[Compared] = []
    for name in dict.fromkeys([*plans[0], *plans[1]]):
        phases = [plan.get(name) for plan in plans]
        units = "/".join(dict.fromkeys(phase.unit for phase in phases if phase is not None))
        sides = [_sides(phase) for phase in phases]
        labels = sorted(
            dict.fromkeys([*sides[0], *sides[1]]),
            key=lambda label: (
                label is not None,
                -sum(one[label].target for one in sides if label in one),
                label or "",
            ),
        )
        made += [Compared(name, label, units, *(one.get(label) for one in sides)) for label in labels]
    return made


def _sides(phase: PlannedPhase | None) -> dict[str | None, Side]:
    if phase is None:
        return {}
    made: dict[str | None, Side] = {}
    for label, weight, target, held in zip(phase.labels, phase.weights, phase.targets, phase.held, strict=True):
        unique = min(target, held)
        made[label] = Side(weight, target, passes(target, held), unique, target - unique)
    whole, all_held = sum(phase.targets), sum(phase.held)
    unique = sum(one.unique for one in made.values())
    return {None: Side(1.0, whole, passes(whole, all_held), unique, whole - unique), **made}


def as_plain(compared: list[Compared]) -> list[dict[str, Any]]:
    """As plain data."""
    return [asdict(one) for one in compared]
