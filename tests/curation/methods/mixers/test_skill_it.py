"""Skill-It: the official trainer's trace, the formulas, both graph-learning algorithms, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.methods.budgets import apportion
from curation.methods.mixers.skill_it import approximate, brute_force
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
