"""Skill-It: the official trainer's trace, the formulas, both graph-learning algorithms, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.methods.budgets import apportion
from curation.methods.mixers.skill_it import approximate, brute_force, learned
from schemas.errors import RecipeError
from schemas.mixers import SkillIt
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, report, weights


def graph_of(matrix: list[list[float]]) -> dict[str, dict[str, float]]:
    return {f"{i:02}": {f"{j:02}": w for j, w in enumerate(row)} for i, row in enumerate(matrix)}


def entry(matrix: list[list[float]], **fields: Any) -> SkillIt:
    return SkillIt.model_validate({"method": "skill_it", "graph": graph_of(matrix), **fields})


@pytest.mark.parametrize(
    ("name", "field", "out"), [("skillit.init_formula", "eta", "p1"), ("skillit.redpajama_scale", "eta", "p")]
)
def test_the_first_round_follows_from_the_graph(vector: Vector, name: str, field: str, out: str) -> None:
    given = vector(name)
    matrix = given["input"]["A"]
    got = weights(numbered(*[10] * len(matrix)), entry(matrix, eta=given["input"][field]))
    np.testing.assert_allclose(got, given["output"][out], atol=1e-6)


def test_spanish_question_generation(vector: Vector) -> None:
    given = vector("skillit.spanish_qg_init")
    matrix, eta = given["input"]["A"], given["input"]["eta"]
    np.testing.assert_allclose(
        weights(numbered(*[10] * 4), entry(matrix, eta=eta)), given["output"]["p_init_all_columns"], atol=1e-6
    )
    for target, expected in enumerate(given["output"]["p_init_target_col"]):
        graph = {f"{i:02}": {f"{target:02}": row[target]} for i, row in enumerate(matrix)}
        params = SkillIt(method="skill_it", graph=graph, eta=eta)
        np.testing.assert_allclose(weights(numbered(*[10] * 4), params), expected, atol=1e-6)


def test_the_official_trace(vector: Vector, tmp_path: Path) -> None:
    given = vector("skillit.lego_mw_trace")
    matrix = np.array(given["input"]["graph_rows_as_passed"], dtype=float)
    first, decay = np.array([0.70, 0.68, 0.72, 0.66, 0.71]), np.array([0.9, 0.97, 0.95, 0.98, 0.99])
    params = entry(matrix.tolist(), eta=0.5, binarise=True, online=True, window=3)
    groups = numbered(*[100] * 5)
    for number, expected in enumerate(given["output"]["mixture_per_round"]):
        if number == 0:
            got = weights(groups, params, first_round=True)
        else:
            rows = [
                {
                    "round": n // 2,
                    "step": 50 * n,
                    "eval_index": n,
                    "group": f"{g:02}",
                    "loss": float(first[g] * decay[g] ** n),
                }
                for n in range(2 * number)
                for g in range(5)
            ]
            got = weights(groups, params, losses=report(tmp_path, rows))
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_counts_with_the_remainder_on_the_last(vector: Vector) -> None:
    given = vector("skillit.lego_counts")
    for mixture, counts in zip(given["input"]["mixtures"], given["output"]["counts"], strict=True):
        assert apportion(np.array(mixture), given["input"]["n_per_round"], "last_takes_rest").tolist() == counts


def test_graph_learning(vector: Vector) -> None:
    given = vector("skillit.graph_learning")
    base = np.array(given["input"]["L_base_j"])
    single = np.array(given["input"]["L_after_training_on_i_eval_j"])
    pairs = np.array(
        [
            [np.nan if x is None else x for x in row]
            for row in given["input"]["L_after_training_on_i∪j_eval_j(i row, j col, null diag)"]
        ]
    )
    np.testing.assert_allclose(
        approximate(base, single), given["output"]["approx_A(clip>0, incl. diagonal)"], atol=1e-9
    )
    learned = brute_force(base, single, pairs)
    np.testing.assert_allclose(np.diag(learned), given["output"]["bruteforce_delta_single_j"], atol=1e-9)
    np.fill_diagonal(learned, 0)
    np.testing.assert_allclose(learned, given["output"]["bruteforce_A_offdiag"], atol=1e-9)


@pytest.mark.parametrize("algorithm", ["approximate", "brute_force"])
def test_a_graph_from_a_file_of_probes(tmp_path: Path, algorithm: str, vector: Vector) -> None:
    given = vector("skillit.graph_learning")["input"]
    rows = [{"trained": "", "group": f"{j:02}", "loss": loss} for j, loss in enumerate(given["L_base_j"])]
    rows += [
        {"trained": f"{i:02}", "group": f"{j:02}", "loss": loss}
        for i, row in enumerate(given["L_after_training_on_i_eval_j"])
        for j, loss in enumerate(row)
    ]
    rows += [
        {"trained": f"{i:02}+{j:02}", "group": f"{j:02}", "loss": loss}
        for i, row in enumerate(given["L_after_training_on_i∪j_eval_j(i row, j col, null diag)"])
        for j, loss in enumerate(row)
        if loss is not None
    ]
    path = tmp_path / "probes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    params = SkillIt.model_validate({"method": "skill_it", "probes": str(path), "algorithm": algorithm, "eta": 1})
    off = (
        [[0.5, 0.1, 0], [0.1, 0.5, 0.2], [0, 0, 0.8]]
        if algorithm == "approximate"
        else [[0.5, 0.1, 0], [0, 0.5, 0.2], [0.05, 0, 0.8]]
    )
    exponents = np.exp(np.array(off).sum(axis=1))
    np.testing.assert_allclose(weights(numbered(1, 1, 1), params), exponents / exponents.sum(), atol=1e-9)


LOSSES = np.array([[1.0, 2.0, 0.5], [0.8, 1.9, 0.5], [0.4, 1.6, 0.4]])
"""Three evaluations of three skills."""
GRAPH = [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]
"""The first helps the second; the third is alone."""


def online(tmp_path: Path, **fields: Any) -> Any:
    rows = [
        {"run_id": "r", "round": 0, "step": n, "eval_index": n, "group": f"{i:02}", "loss": x}
        for n, row in enumerate(LOSSES.tolist())
        for i, x in enumerate(row)
    ]
    params = entry(GRAPH, eta=0.5, online=True, window=2, **fields)
    return weights(numbered(10, 10, 10), params, losses=report(tmp_path, rows))


def soft(exponents: Any) -> Any:
    return np.exp(exponents) / np.exp(exponents).sum()


def test_the_flags_of_the_official_trainer(tmp_path: Path) -> None:
    """As METHODS has them from trainer/mw_trainer.py, by plain arithmetic."""
    matrix, window = np.array(GRAPH), LOSSES[1] + LOSSES[2]
    np.testing.assert_allclose(online(tmp_path), soft(0.5 * matrix @ window))
    np.testing.assert_allclose(online(tmp_path, normalise=True), soft(0.5 * matrix @ (window / LOSSES[1])))
    left = LOSSES[2].sum() / LOSSES[0].sum()
    np.testing.assert_allclose(online(tmp_path, eta_schedule=True), soft(0.5 / left * matrix @ window))
    ones = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(online(tmp_path, unit_diagonal=True), soft(0.5 * ones @ window))
    two = soft(0.5 * (matrix @ window)[:2]) * 2 / 3
    np.testing.assert_allclose(online(tmp_path, isolated="equal"), [*two, 1 / 3])
    alone = entry([[1.0, 0.0], [0.0, 3.0]], isolated="equal")
    np.testing.assert_allclose(weights(numbered(10, 10), alone), [0.5, 0.5])


def test_relative_gains_keep_their_sign(tmp_path: Path) -> None:
    """(start - end) / start, as in Aioli's code."""
    rows = [("", "a", 2.0), ("", "b", 4.0), ("a", "a", 1.0), ("a", "b", 5.0), ("b", "a", 1.8), ("b", "b", 2.0)]
    path = tmp_path / "probes.jsonl"
    path.write_text("".join(json.dumps({"trained": t, "group": g, "loss": x}) + "\n" for t, g, x in rows))
    skills, targets, matrix = learned(str(path), "relative", "p")
    assert (skills, targets) == (["a", "b"], ["a", "b"])
    np.testing.assert_allclose(matrix, [[0.5, -0.25], [0.1, 0.5]])


def test_it_refuses_or_holds_without_losses() -> None:
    groups, matrix = numbered(10, 10), [[1.0, 0.0], [1.0, 1.0]]
    with pytest.raises(RecipeError, match="--losses"):
        weights(groups, entry(matrix, online=True))
    hold = entry(matrix, online=True, without_losses="hold")
    np.testing.assert_allclose(weights(groups, hold, held={"00": 0.9, "01": 0.1}), [0.9, 0.1])
    np.testing.assert_allclose(weights(groups, hold), weights(groups, entry(matrix)))


def test_unknown_names_and_bad_numbers(tmp_path: Path) -> None:
    matrix = [[1.0, 0.0], [1.0, 1.0]]
    with pytest.raises(RecipeError, match=r"mixture\.graph.*'01'"):
        weights(numbered(10), entry(matrix))
    unknown = report(
        tmp_path, [{"group": "00", "loss": 1.0}, {"group": "01", "loss": 1.0}, {"group": "maths", "loss": 1.0}]
    )
    with pytest.raises(RecipeError, match=r"row 2.*unknown group 'maths'"):
        weights(numbered(10, 10), entry(matrix, online=True), losses=unknown)
    with pytest.raises(RecipeError, match=r"row 0.*no finite number"):
        report(tmp_path, [{"group": "00", "loss": float("nan")}])
    missing = tmp_path / "graph.json"
    missing.write_text("[1, 2]")
    with pytest.raises(RecipeError, match="training skill"):
        weights(numbered(10, 10), SkillIt(method="skill_it", graph=str(missing)))
