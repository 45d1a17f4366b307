"""The published vectors of mixers, each as a recipe has it: planned and scheduled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.mixture.plan import Feedback
from tests.conftest import Vector
from tests.curation.methods.mixers.common import report
from tests.curation.methods.schedules.common import planned
from tests.curation.mixture.common import counts_of, graph_of, groups_of, many, phase_of


def test_temperature(vector: Vector) -> None:
    given = vector("temperature")
    documents = groups_of(*given["input"]["n"])
    for t, expected in given["output"].items():
        got = phase_of(documents, {"method": "temperature", "temperature": float(t)}).weights
        np.testing.assert_allclose(got, expected, atol=1e-6)
    given = vector("regmix.temperature")
    documents = groups_of(*[10_000 * p for p in given["input"]["prior"]])
    got = phase_of(documents, {"method": "temperature", "temperature": 2}).weights
    np.testing.assert_allclose(got, given["output"]["tempered"], atol=1e-6)


def test_fixed_shares_of_a_budget(vector: Vector) -> None:
    given = vector("stability.mixture")
    shares, budget = given["output"]["shares"], int(given["input"]["budget"])
    names = sorted(shares)
    documents = groups_of(*[budget] * len(names), labels=names)
    got = phase_of(documents, {"method": "fixed", "weights": shares}, tokens=budget)
    assert dict(zip(got.labels, got.targets, strict=True)) == {
        name: pytest.approx(amount) for name, amount in given["output"]["tokens"].items()
    }


def test_uniform_over_a_support(vector: Vector) -> None:
    given = vector("skillit.stratified")
    got = phase_of(groups_of(1, 2, 3, 4, 5), {"method": "uniform"}).weights
    np.testing.assert_allclose(got, given["output"]["continual_pretraining"])
    got = phase_of(groups_of(1, 2, 3), {"method": "uniform", "labels": ["01", "02"]}).weights
    np.testing.assert_allclose(got, given["output"]["fine_tuning(prereqs∪target)"])
    got = phase_of(groups_of(1, 2, 3), {"method": "uniform"}).weights
    np.testing.assert_allclose(got, given["output"]["out_of_domain(k_train=3)"], atol=1e-6)


def test_unimax(vector: Vector) -> None:
    given = vector("unimax.a")
    what = given["input"]
    mixture = {"method": "unimax", "epochs": what["max_epochs"]}
    got = phase_of(groups_of(*what["sizes"]), mixture, tokens=what["budget"])
    np.testing.assert_allclose(got.targets, given["output"]["tokens"])
    np.testing.assert_allclose(got.weights, given["output"]["p"])


def test_zipf(vector: Vector) -> None:
    given = vector("icl.zipf")
    ranks = [f"{i:03}" for i in range(given["input"]["K"])]
    for alpha, expected in given["output"].items():
        mixture = {"method": "zipf", "exponent": float(alpha), "ranks": ranks}
        p = np.array(phase_of(groups_of(*[10] * len(ranks), labels=ranks), mixture).weights)
        np.testing.assert_allclose([p[0], p[1], p[-1]], [expected[k] for k in ("p1", "p2", "p128")], rtol=1e-3)
        assert -(p * np.log(p)).sum() == pytest.approx(expected["entropy_nats"], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "fields", "method"),
    [
        (
            "powerlaw.rehearsal",
            {"0.5": {"exponent": 0.5}, "1.0": {"exponent": 1.0}, "2.0": {"exponent": 2.0}},
            "power_law",
        ),
        ("powerlaw.exponential", {"p": {"tau": 3}}, "exponential"),
    ],
)
def test_rehearsal(vector: Vector, name: str, fields: dict[str, dict[str, float]], method: str) -> None:
    given = vector(name)
    now, performed = given["input"]["now"], given["input"]["last_performed_step"]
    tasks = [f"{step:02}" for step in range(now)]
    for key, params in fields.items():
        mixture = {"method": f"{method}_rehearsal", "tasks": tasks, **params}
        weights = np.array(phase_of(groups_of(*[10] * now), mixture).weights)[performed]
        np.testing.assert_allclose(weights / weights.sum(), given["output"][key], atol=1e-6)


@pytest.mark.parametrize(("name", "out"), [("skillit.init_formula", "p1"), ("skillit.redpajama_scale", "p")])
def test_skill_it_starts_from_its_graph(vector: Vector, name: str, out: str) -> None:
    given = vector(name)
    matrix = given["input"]["A"]
    mixture = {"method": "skill_it", "graph": graph_of(matrix), "eta": given["input"]["eta"]}
    np.testing.assert_allclose(
        phase_of(groups_of(*[10] * len(matrix)), mixture).weights, given["output"][out], atol=1e-6
    )


def test_skill_it_with_one_target(vector: Vector) -> None:
    given = vector("skillit.spanish_qg_init")
    matrix, eta = given["input"]["A"], given["input"]["eta"]
    documents = groups_of(*[10] * 4)
    got = phase_of(documents, {"method": "skill_it", "graph": graph_of(matrix), "eta": eta}).weights
    np.testing.assert_allclose(got, given["output"]["p_init_all_columns"], atol=1e-6)
    for target, expected in enumerate(given["output"]["p_init_target_col"]):
        graph = {f"{i:02}": {f"{target:02}": row[target]} for i, row in enumerate(matrix)}
        got = phase_of(documents, {"method": "skill_it", "graph": graph, "eta": eta}).weights
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_skill_it_round_by_round(vector: Vector, tmp_path: Path) -> None:
    given = vector("skillit.lego_mw_trace")
    first, decay = np.array([0.70, 0.68, 0.72, 0.66, 0.71]), np.array([0.9, 0.97, 0.95, 0.98, 0.99])
    graph = graph_of(given["input"]["graph_rows_as_passed"])
    online = {
        "method": "skill_it",
        "by": "g",
        "graph": graph,
        "eta": 0.5,
        "binarise": True,
        "online": True,
        "window": 3,
    }
    expected = given["output"]["mixture_per_round"]
    entry = {"method": "rounds", "name": "round", "rounds": len(expected), "records": 100, "mixture": online}
    rows: list[dict[str, Any]] = []
    for number, weights in enumerate(expected):
        plan, _ = planned(many(200, 5), [entry], Feedback(report(tmp_path, rows) if rows else None))
        assert [phase.name for phase in plan.phases] == [f"round-{number}"]
        np.testing.assert_allclose(plan.phases[0].weights, weights, atol=1e-6)
        rows += [
            {
                "round": number,
                "step": 50 * n,
                "eval_index": n,
                "group": f"{g:02}",
                "loss": float(first[g] * decay[g] ** n),
            }
            for n in (2 * number, 2 * number + 1)
            for g in range(5)
        ]


def test_skill_it_gives_the_last_skill_the_rest(vector: Vector) -> None:
    given = vector("skillit.lego_counts")
    n = given["input"]["n_per_round"]
    documents = many(n, 5)
    for shares, expected in zip(given["input"]["mixtures"], given["output"]["counts"], strict=True):
        total = sum(shares)  # 1, but for the last of six digits
        weights = {f"{i:02}": share / total for i, share in enumerate(shares)}
        mixture = {"method": "fixed", "by": "g", "weights": weights, "rounding": "last_takes_rest"}
        assert counts_of(documents, {"name": "p", "records": n, "mixture": mixture}) == expected


@pytest.mark.parametrize("algorithm", ["approximate", "brute_force"])
def test_a_graph_from_probes(vector: Vector, tmp_path: Path, algorithm: str) -> None:
    vector_ = vector("skillit.graph_learning")
    given, out = vector_["input"], vector_["output"]
    pairs = given["L_after_training_on_i∪j_eval_j(i row, j col, null diag)"]
    rows = [{"trained": "", "group": f"{j:02}", "loss": loss} for j, loss in enumerate(given["L_base_j"])]
    for i, row in enumerate(given["L_after_training_on_i_eval_j"]):
        rows += [{"trained": f"{i:02}", "group": f"{j:02}", "loss": loss} for j, loss in enumerate(row)]
    for i, row in enumerate(pairs):
        both = [(j, loss) for j, loss in enumerate(row) if loss is not None]
        rows += [{"trained": f"{i:02}+{j:02}", "group": f"{j:02}", "loss": loss} for j, loss in both]
    path = tmp_path / "probes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if algorithm == "approximate":
        learned = np.array(out["approx_A(clip>0, incl. diagonal)"])
    else:
        learned = np.array(out["bruteforce_A_offdiag"]) + np.diag(out["bruteforce_delta_single_j"])
    mixture = {"method": "skill_it", "probes": str(path), "algorithm": algorithm, "eta": 1}
    exponents = np.exp(learned.sum(axis=1))
    np.testing.assert_allclose(phase_of(groups_of(1, 1, 1), mixture).weights, exponents / exponents.sum(), atol=1e-9)


def test_doremi(vector: Vector, tmp_path: Path) -> None:
    out = vector("doremi.official_update")["output"]
    rows = [
        {"step": step, "eval_index": step, "group": f"{g:02}", "loss": 2 + score, "ref_loss": 2.0}
        for step, scores in enumerate([out["scores1"], out["scores2"]])
        for g, score in enumerate(scores)
    ]
    documents, losses = groups_of(1, 1, 1, 1), report(tmp_path, rows)
    got = phase_of(documents, {"method": "doremi"}, losses).weights
    np.testing.assert_allclose(got, out["running_average_after_2"], atol=1e-6)
    got = phase_of(documents, {"method": "doremi", "average": False}, losses).weights
    np.testing.assert_allclose(got, out["w2"], atol=1e-6)


def test_doge(vector: Vector, tmp_path: Path) -> None:
    given = vector("doge.update")
    rows = [{"group": f"{i:02}", "alignment": a} for i, a in enumerate([2.0, -1.0, 70.0])]  # clipped to 0 and 5
    got = phase_of(groups_of(1, 1, 1), {"method": "doge"}, report(tmp_path, rows)).weights
    np.testing.assert_allclose(got, given["output"]["w1"], atol=1e-6)


@pytest.mark.parametrize(
    ("ema", "field"), [(0.1, "p_round2_ema(from uniform)"), (0.0, "p_round2_no_ema(multiplicative carry-over)")]
)
def test_aioli(vector: Vector, tmp_path: Path, ema: float, field: str) -> None:
    given = vector("aioli.update")
    rows = [
        {"round": r, "probe": f"{j:02}", "group": f"{i:02}", "ref_loss": 1.0, "loss": 1.0 - gains[i][j]}
        for r, gains in enumerate([given["input"]["G_round1"], given["input"]["G_round2"]])
        for i in range(3)
        for j in range(3)
    ]
    got = phase_of(groups_of(1, 1, 1), {"method": "aioli", "ema": ema}, report(tmp_path, rows)).weights
    np.testing.assert_allclose(got, given["output"][field], atol=1e-6)


def test_mixing_law(vector: Vector, tmp_path: Path) -> None:
    given = vector("mixinglaw.predict")
    a, b, m = (np.array(given["input"][name]) for name in "abm")
    x = np.array(given["input"]["x"])
    np.testing.assert_allclose(a * np.exp(x @ m) + b, given["output"]["L"], atol=1e-6)
    path = tmp_path / "law.json"
    path.write_text(json.dumps({"labels": ["00", "01"], "a": a.tolist(), "b": b.tolist(), "m": m.tolist()}))
    best = phase_of(groups_of(10, 10), {"method": "mixing_law", "law": str(path)}).weights
    grid = np.linspace(0, 1, 1001)
    losses = [(a * np.exp(np.array([w, 1 - w]) @ m) + b).sum() for w in grid]
    assert best[0] == pytest.approx(grid[int(np.argmin(losses))], abs=2e-3)


def test_olmix(vector: Vector, tmp_path: Path) -> None:
    given, out = vector("olmix.exact")["input"], vector("olmix.exact")["output"]
    path = tmp_path / "law.json"
    path.write_text(json.dumps({"labels": ["00", "01", "02"], "t": given["A(task×domain)"]}))
    prior = {f"{i:02}": p for i, p in enumerate(given["prior"])}
    law = {"method": "olmix", "law": str(path), "prior": prior}
    free = phase_of(groups_of(1000, 1000, 1000), {**law, "repetition": None}, tokens=1000).weights
    np.testing.assert_allclose(free, out["x_unconstrained"], atol=1e-4)
    capped = [1000 * cap for cap in given["caps_case"]]
    got = phase_of(groups_of(*capped), {**law, "repetition": 1}, tokens=1000).weights
    np.testing.assert_allclose(got, out["x_capped"], atol=1e-4)
