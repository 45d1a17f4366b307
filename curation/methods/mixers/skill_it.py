"""Skill-It (Chen et al. 2023): weights from a graph of skills and the losses on them.

Algorithm 1: p_1 ∝ exp(η Σ_j A_ij), then p ∝ exp(η Σ_τ Σ_j A_ij L_j(f_τ)) over a window of evaluations, from ones
each time and not from the weights before. Algorithms 2 and 3 learn A from probe runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from curation.methods.mixers.types import (
    MixContext,
    Sizes,
    Weights,
    by_label,
    check_labels,
    normalised,
    softmax,
    without_losses,
)
from curation.methods.numbers_table import read_json, read_numbers
from schemas.errors import RecipeError
from schemas.mixers import SkillIt

Matrix = npt.NDArray[np.float64]
JOINED = "+"


def skill_it(sizes: Sizes, params: SkillIt, context: MixContext) -> Weights:
    """Weights float64[g]; a group that is no training skill of the graph has 0 (pure targets, out-of-domain skills).

    Raises RecipeError for a graph that names a training skill that no document has, a report that names a skill that is
    no evaluation skill of the graph, and with no report where the mixture is online and to refuse.
    """
    place = f"{context.place}.{'graph' if params.probes is None else 'probes'}"
    skills, targets, matrix = graph(params, place)
    check_labels(sizes, skills, params.grouping, place)
    same = np.array([[skill == target for target in targets] for skill in skills])
    if params.binarise:
        matrix = np.where(same, 1.0, np.where(matrix > 0, 0.5, 0.0))
    if params.unit_diagonal:
        matrix = np.where(same, 1.0, matrix)
    alone = ~((matrix != 0) & ~same).any(axis=1) & ~np.array(
        [_helped(skill, targets, matrix, same) for skill in skills]
    )
    alone &= params.isolated == "equal"

    def shares(exponents: Weights) -> Weights:
        """Softmax; of isolated skills 1 / k each, where that is asked for."""
        if alone.all():
            return np.full(len(skills), 1 / len(skills))
        part = softmax(np.where(alone, -np.inf, exponents)) * (1 - alone.mean())
        return np.where(alone, 1 / len(skills), part)

    start = by_label(sizes, dict(zip(skills, shares(params.eta * matrix.sum(axis=1)), strict=True)))
    if not params.online:
        return start
    if context.losses is None:
        return without_losses(sizes, start, params.without_losses == "refuse", context)
    seen = context.losses.by_checkpoint("loss", targets, besides=skills)
    known = seen[-params.window :]
    summed = known.sum(axis=0) if params.aggregate == "sum" else known.mean(axis=0)
    if params.normalise:
        summed = summed / seen[min(1, len(seen) - 1)]
    eta = params.eta / (seen[-1].sum() / seen[0].sum()) if params.eta_schedule else params.eta
    return normalised(by_label(sizes, dict(zip(skills, shares(eta * (matrix @ summed)), strict=True))))


def _helped(skill: str, targets: list[str], matrix: Matrix, same: npt.NDArray[np.bool_]) -> bool:
    """Whether another skill helps this one."""
    if skill not in targets:
        return False
    at = targets.index(skill)
    return bool(((matrix[:, at] != 0) & ~same[:, at]).any())


def graph(params: SkillIt, place: str) -> tuple[list[str], list[str], Matrix]:
    """Training skills, evaluation skills, and A: float64[k, m]. Raises RecipeError for a file that is no graph."""
    if params.probes is not None:
        return learned(params.probes, params.algorithm, place)
    rows = _rewritten(params.graph if isinstance(params.graph, dict) else _read(params.graph or "", place))
    if not rows:
        raise RecipeError(place, "the graph has no skill")
    targets = sorted({target for row in rows.values() for target in row})
    skills = sorted(rows)
    return skills, targets, np.array([[rows[skill].get(target, 0.0) for target in targets] for skill in skills])


def _rewritten(rows: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
    """The graph as the official code reads it: entries of exactly 1 off the diagonal count 0.5, all others as they are."""
    return {
        skill: {target: 0.5 if weight == 1 and target != skill else weight for target, weight in row.items()}
        for skill, row in rows.items()
    }


def _read(path: str, place: str) -> Mapping[str, Mapping[str, float]]:
    loaded = read_json(path, place)
    sound = isinstance(loaded, dict) and all(
        isinstance(row, dict) and all(isinstance(w, int | float) and np.isfinite(w) for w in row.values())
        for row in loaded.values()
    )
    if not sound:
        raise RecipeError(place, f"{path}: write an object: training skill -> {{evaluation skill: weight}}")
    return loaded


def learned(path: str, algorithm: str, place: str) -> tuple[list[str], list[str], Matrix]:
    """The graph of a file of probe losses (columns trained, group, loss), by Algorithm 2 or 3."""
    table = read_numbers(path, place, texts=("trained", "group"), numbers=("loss",))
    losses = {(str(t or ""), str(g)): float(x) for t, g, x in table.select("trained", "group", "loss").iter_rows()}
    targets = sorted({group for _, group in losses})
    skills = sorted({trained for trained, _ in losses if trained and JOINED not in trained})

    def loss(trained: str, target: str) -> float:
        if (trained, target) not in losses:
            who = f"trained on {trained!r}" if trained else "the starting model (trained is empty)"
            raise RecipeError(place, f"{path}: no loss on {target!r} of {who}")
        return losses[trained, target]

    base = np.array([loss("", target) for target in targets])
    single = np.array([[loss(skill, target) for target in targets] for skill in skills])
    if algorithm == "approximate":
        return skills, targets, approximate(base, single)
    if algorithm == "relative":
        return skills, targets, (base[None, :] - single) / base[None, :]
    if skills != targets:
        raise RecipeError(place, f"{path}: brute_force needs probes whose training and evaluation skills are the same")
    pairs = np.full((len(skills), len(skills)), np.nan)
    for i, a in enumerate(skills):
        for j, b in enumerate(skills):
            if i != j:
                names = JOINED.join(sorted((a, b)))
                pairs[i, j] = loss(names if (names, b) in losses else JOINED.join(sorted((a, b), reverse=True)), b)
    return skills, targets, brute_force(base, single, pairs)


def approximate(base: Weights, single: Matrix) -> Matrix:
    """Algorithm 3: A_ij = max(0, L_j(f) − L_j(f trained on i)). base: float64[m]; single: float64[k, m]."""
    return np.maximum(base[None, :] - single, 0.0)


def brute_force(base: Weights, single: Matrix, pairs: Matrix) -> Matrix:
    """Algorithm 2: A_ij = max(0, δ_j^ij − δ_j^j) off the diagonal, δ_j^j on it; all float64[k, k].

    pairs: L_j of the model trained on i and j; its diagonal is not read.
    """
    alone = base - np.diag(single)
    gain = np.maximum((base[None, :] - pairs) - alone[None, :], 0.0)
    np.fill_diagonal(gain, np.maximum(alone, 0.0))
    return gain
