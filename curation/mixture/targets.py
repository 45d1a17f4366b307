"""What phases were to hold beside what they hold: which miss their budget, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.plan import Plan

TOLERANCE = 0.01
"""Of its budget: a phase that is further off is named."""


@dataclass(frozen=True)
class Miss:
    """A phase that misses its budget: the budget as given, wanted and written in its unit."""

    phase: str
    budget: str
    wanted: float
    written: int
    unit: str

    @property
    def off(self) -> float:
        """Of the budget: negative where too little was written."""
        return self.written / self.wanted - 1


def misses(plan: Plan, written: list[tuple[int, int]]) -> list[Miss]:
    """The phases that miss their budget by more than 1 %.

    written: documents and tokens of each phase. Where phases by share take the whole of a pool, their shares are of what
    they wrote together.
    """
    by_share = [index for index, phase in enumerate(plan.phases) if phase.disjoint]
    together = sum(written[index][1] for index in by_share)
    takes_all = any(plan.phases[index].takes_rest and plan.phases[index].whole is not None for index in by_share)
    found: list[Miss] = []
    for phase, amounts in zip(plan.phases, written, strict=True):
        kind = str(phase.budget["given"])
        wanted = float(phase.budget["amount"])
        if phase.disjoint and takes_all:
            wanted = float(phase.budget["share"]) * together
        made = amounts[0] if phase.unit == "records" else amounts[1]
        if wanted and abs(made / wanted - 1) > TOLERANCE:
            given = f"{kind} {phase.budget[kind]:,}" if kind != "share" else f"share {phase.budget[kind]:g}"
            found.append(Miss(phase.name, given, wanted, made, phase.unit))
    return found
