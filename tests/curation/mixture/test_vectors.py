"""The published vectors of amounts, schedules, orders and selectors, each as a recipe has it: planned and scheduled."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.mixture.plan import Feedback
from curation.mixture.pool import Pool
from schemas.errors import RecipeError
from tests.conftest import Vector
from tests.curation.methods.mixers.common import report
from tests.curation.methods.schedules.common import planned, pool
from tests.curation.mixture.common import counts_of, many

# Whole documents


def test_largest_remainder(vector: Vector) -> None:
    given = vector("apportion.largest_remainder")
    for (shares, n), expected in zip(given["input"]["cases(p,n)"], given["output"], strict=True):
        total = sum(shares)
        weights = {f"{i:02}": share / total for i, share in enumerate(shares)}
        mixture = {"method": "fixed", "by": "g", "weights": weights}
        assert counts_of(many(n, len(shares)), {"name": "p", "records": n, "mixture": mixture}) == expected


def test_batches_of_three_pools(vector: Vector) -> None:
    given = vector("fomo.batch_mixture")
    n = given["input"]["batch"]
    names = list(given["input"]["mixtures"][0])
    documents = pool(3 * n, g=[name for name in names for _ in range(n)])
    for shares, expected in zip(given["input"]["mixtures"], given["output"], strict=True):
        total = sum(shares.values())
        weights = {name: share / total for name, share in shares.items()}
        mixture = {
            "method": "pools",
            "by": "g",
            "pools": {name: [name] for name in names},
            "weights": weights,
            "rounding": "in_order",
        }
        got = counts_of(documents, {"name": "p", "records": n, "mixture": mixture})
        assert dict(zip(sorted(names), got, strict=True)) == expected


def test_a_shortfall_is_drawn(vector: Vector) -> None:
    given = vector("streaming.apply_weights")
    weights = {f"{i:02}": p for i, p in enumerate(given["input"]["proportions"])}
    mixture = {"method": "fixed", "by": "g", "weights": weights, "rounding": "random"}
    for total, expected in given["output"].items():
        got = counts_of(many(200, 3), {"name": "p", "records": int(total), "mixture": mixture})
        assert sum(got) == int(total)
        assert (np.abs(np.array(got) - np.array(expected["choose"])) <= 1).all()


def test_amounts(vector: Vector) -> None:
    given = vector("tulu3.mixer")
    n = given["input"]["n"]
    for amount, expected in zip(given["input"]["spec"], given["output"]["counts"], strict=True):
        entry: dict[str, Any] = {"method": "amounts", "name": "m", "by": "g"}
        entry["records" if isinstance(amount, int) else "shares"] = {"00": amount}
        _, ordered = planned(many(n, 1), [entry])
        times = Counter(Counter(ordered.document.tolist()).values())
        assert len(ordered.document) == expected
        assert max(times) - min(times) <= 1  # whole copies and a part
    given = vector("udr.sampling")
    sizes = given["input"]["max_iterations"]
    documents = pool(sum(sizes), g=[f"{i:02}" for i, n in enumerate(sizes) for _ in range(n)])
    shares = {f"{i:02}": rate for i, rate in enumerate(given["input"]["rates"])}
    assert (
        counts_of(documents, {"method": "amounts", "name": "m", "by": "g", "shares": shares})
        == given["output"]["iterations"]
    )


# Schedules


def test_difficulty(vector: Vector) -> None:
    given = vector("deepspeed.difficulty")
    names = {"fixed_linear": "linear", "fixed_root": "root", "fixed_discrete": "discrete"}
    for name, config in given["input"]["configs"].items():
        schedule = config["schedule_config"]
        fields: dict[str, Any] = {"min": config["min_difficulty"], "max": config["max_difficulty"]}
        if "difficulty" in schedule:
            fields |= {"difficulties": schedule["difficulty"], "max_step": schedule["max_step"]}
        else:
            fields |= {"total_steps": schedule["total_curriculum_step"], "difficulty_step": schedule["difficulty_step"]}
            fields |= {"root_degree": schedule.get("root_degree", 2)}
        expected = {
            int(step): bound for step, bound in given["output"][name].items() if int(step)
        }  # training begins at 1
        entry = {"method": "difficulty", "name": "d", "by": "length", "batch_size": 2, "steps": max(expected), **fields}
        documents = pool(40, length=[1.0] * 20 + [1e9] * 20)
        plan, _ = planned(documents, [{**entry, "schedule": names[config["schedule_type"]]}])
        ends = np.cumsum([phase.targets[0] / 2 for phase in plan.phases])
        for step, bound in expected.items():
            phase = plan.phases[int(np.searchsorted(ends, step))]
            assert phase.pool.select[0].max == bound, (name, step)  # type: ignore[union-attr]


@pytest.mark.parametrize("shape", ["linear", "log"])
def test_pacing(vector: Vector, shape: str) -> None:
    given = vector("skillit.curriculum_pacing")
    what = given["input"]
    n = what["update_size"] * what["n_updates"]
    entry = {"method": "pacing", "name": "p", "by": "loss", "shape": shape, "rounds": what["n_updates"]}
    entry |= {"records": what["update_size"], "a": what["pacing_a"], "b": what["pacing_b"]}
    losses = np.random.default_rng(0).permutation(n)
    _, ordered = planned(pool(n, loss=losses.astype(float).tolist()), [entry])
    for number, expected in enumerate(given["output"][shape]):
        drawn = losses[ordered.document[ordered.phase == number]]
        assert len(drawn) == what["update_size"] == len(set(drawn.tolist()))
        assert expected * 0.99 < drawn.max() < expected  # of 3,200 draws one is from the prefix's last hundredth


def test_skill_curriculum(vector: Vector) -> None:
    given = vector("skillit.group_curriculum_mix0.0")
    what, out = given["input"], given["output"]
    skills = [skill for skill, n in what["sizes"].items() for _ in range(n)]
    loss = [float(what["mean_loss"][skill]) for skill in skills]
    entry = {
        "method": "skill_curriculum",
        "name": "s",
        "by": "skill",
        "score": "loss",
        "records": what["total_samples"],
    }
    _, ordered = planned(pool(len(skills), skill=skills, loss=loss), [{**entry, "mixing": what["mixing_frac"]}])
    got = [
        dict(Counter(skills[i] for i in ordered.document[ordered.phase == number]))
        for number in range(int(ordered.phase.max()) + 1)
    ]
    assert got[: len(out["phases"])] == out["phases"]
    assert sum(sum(part.values()) for part in got[len(out["phases"]) :]) == out["final_uniform_phase_samples"]


def test_cycles(vector: Vector) -> None:
    n = 4000
    for case in vector("cyclical.fractions")["output"]:
        start, end, alpha, total = case["args"]
        entry = {"method": "cyclical", "name": "c", "start": start, "end": end, "alpha": alpha, "epochs": total}
        if start > end:  # the published code swings without sense; refused
            with pytest.raises(ValueError, match="start is above end"):
                planned(pool(n, g=["a"] * n), [entry])
            continue
        _, ordered = planned(pool(n, g=["a"] * n), [entry])
        sizes = np.bincount(ordered.phase) / n
        np.testing.assert_allclose(sizes, case["S"], atol=1 / n)
    given = vector("cyclical.integer_sizes")
    what = given["input"]
    for shape, name in (("cycle", "cycle"), ("sharp_cycle", "sharp_cycle"), ("growing", "lower_to_bigger")):
        entry = {"method": "cyclical", "name": "c", "sizes": "ceil", "shape": shape, "alpha": what["multiplier"]}
        entry |= {"start": what["start_percent"], "end": what["end_percent"]}
        documents = pool(what["size"], g=["a"] * what["size"])
        _, ordered = planned(documents, [{**entry, "epochs": what["total_sample"] / what["size"]}])
        assert np.bincount(ordered.phase).tolist() == given["output"][name]


def test_streams_in_chunks(vector: Vector) -> None:
    given = vector("fomo.chunk")
    for (n, tasks), expected in zip(given["input"]["cases(n_classes,T)"], given["output"], strict=True):
        if n > 1000:  # ten thousand labels in two hundred phases: held by the function's own test
            continue
        labels = [f"{i:02}" for i in range(n)]
        entry = {"method": "stream", "name": "s", "by": "g", "tasks": tasks, "sequence": "given", "entries": labels}
        mixture = {"pretraining": 0, "update": 1, "buffer": 0}
        _, ordered = planned(many(6, n), [{**entry, "records": 12, "weights": mixture}])
        seen = [{i // 6 for i in ordered.document[ordered.phase == number].tolist()} for number in range(tasks)]
        assert [len(of) for of in seen] == expected
        assert [min(of) for of in seen] == np.cumsum([0, *expected[:-1]]).tolist()


def test_streams_in_sequence(vector: Vector) -> None:
    given, out = vector("fomo.orderings_toy")["input"], vector("fomo.orderings_toy")["output"]
    names = ["x", "y", "z", "w"]
    documents = pool(24, g=[name for name in names for _ in range(6)])
    cases: dict[str, dict[str, Any]] = {
        "easy_to_hard": {"sequence": "easy_to_hard", "values": given["zero_shot_accuracy"]},
        "hard_to_easy": {"sequence": "hard_to_easy", "values": given["zero_shot_accuracy"]},
        "concept_frequency_rare_first": {"sequence": "frequency", "values": given["pretrain_frequency"]},
        "similarity_greedy_from_x": {"sequence": "similarity", "vectors": given["embedding"]},
    }
    for name, fields in cases.items():
        entry = {"method": "stream", "name": "s", "by": "g", "tasks": 4, "records": 6, "entries": names, **fields}
        entry["weights"] = {"pretraining": 0, "update": 1, "buffer": 0}
        _, ordered = planned(documents, [entry])
        first = [names[ordered.document[ordered.phase == number][0] // 6] for number in range(4)]
        assert first == out[name]


@pytest.mark.parametrize(
    ("way", "fields"), [("single", {}), ("cumulative", {}), ("sliding(heads=3,forget=1)", {"window": 3, "start": 3})]
)
def test_levels(vector: Vector, tmp_path: Path, way: str, fields: dict[str, Any]) -> None:
    expected = vector("emergent.trace")["output"][way]
    levels = [str(n) for n in range(2, 12)]
    documents = pool(10 * len(levels), level=[level for level in levels for _ in range(10)])
    entry = {"method": "levels", "name": "l", "by": "level", "levels": levels, "active": way.split("(")[0]}
    entry |= {"rounds": 10, "promote_above": 98, "records": 10, **fields}
    rows: list[dict[str, Any]] = []
    for epoch, now in enumerate(expected):
        plan, ordered = planned(documents, [entry], Feedback(report(tmp_path, rows) if rows else None))
        assert [phase.name for phase in plan.phases] == [f"l-{epoch + 1}"]
        assert {int(levels[i // 10]) for i in ordered.document.tolist()} == set(now)
        for n in now:
            accuracy = 99 if epoch % 3 == 2 or n < max(now) else 90
            rows.append({"round": epoch, "group": str(n), "accuracy": accuracy})


def test_a_size_from_a_learning_curve(vector: Vector, tmp_path: Path) -> None:
    given = vector("superficial.powerlaw")["input"]
    path = tmp_path / "points.csv"
    path.write_text("size,value\n" + "".join(f"{d},{p}\n" for d, p in zip(given["D"], given["P"], strict=True)))
    for size, reach in zip(given["D"][:4], given["P"][:4], strict=True):
        entry = {"method": "learning_curve", "name": "l", "points": str(path), "curve": "growth", "reach": reach}
        _, ordered = planned(pool(1000), [entry])
        assert len(ordered.document) == pytest.approx(size, abs=1)


# Orders


def order_of(documents: Pool, **order: Any) -> list[int]:
    """Documents as a phase with this order has them."""
    _, ordered = planned(documents, [{"name": "p", "epochs": 1, "order": order}])
    return ordered.document.tolist()


def scored(n: int) -> Pool:
    """n documents whose score is their number; they stand in another order."""
    return pool(n, score=np.arange(float(n)).tolist())


def test_layers(vector: Vector) -> None:
    for name, method in (("order.folding", "folding"), ("order.zigzag", "zig_zag")):
        given = vector(name)
        for layers, expected in given["output"].items():
            assert order_of(scored(given["input"]["n"]), method=method, by="score", layers=int(layers)) == expected
    given = vector("order.stair")
    for case, expected in zip(given["input"]["cases"], given["output"], strict=True):
        fields = {"sections": case["num_sections"], "ratio": case["folding_ratio"], "layers": case["folding_layer"]}
        assert order_of(scored(given["input"]["n"]), method="stair", by="score", **fields) == expected


def test_windows(vector: Vector) -> None:
    given = vector("order.window_shuffle")
    n, window = given["input"]["n"], given["input"]["window"]
    got = order_of(scored(n), method="sort", by="score", window=window)
    assert [sorted(got[i : i + window]) for i in range(0, n, window)] == [
        sorted(x) for x in given["output"]["window_sets"]
    ]
    assert got != list(range(n))


def test_courses(vector: Vector) -> None:
    given = vector("corgi.orderings_toy")
    records = given["input"]["records"]
    names = ("subject", "stage", "concept", "bloom")
    documents = pool(len(records), **{name: [record[name] for record in records] for name in names})
    for method in ("blocking", "spiral", "interleaving"):
        got = order_of(documents, method=method, subject="subject", stage="stage", concept="concept", level="bloom")
        assert [records[i]["id"] for i in got] == given["output"][method]


def test_stratified_batches(vector: Vector) -> None:
    for case in vector("streaming.stratified_portions")["output"]:
        counts = np.round(np.array(case["p"]) * 1000).astype(int)
        labels = [f"{i:02}" for i, n in enumerate(counts) for _ in range(n)]
        order = {"method": "stratified", "by": "g", "batch_size": case["GB"]}
        if case["error"]:
            with pytest.raises(RecipeError, match="batch_size"):
                order_of(pool(len(labels), g=labels), **order)
            continue
        got = order_of(pool(len(labels), g=labels), **order)
        batch = Counter(int(labels[i]) for i in got[: case["GB"]])
        if (
            len(set(case["p"])) == len(case["p"]) or len(set(case["p"])) == 1
        ):  # else which of equals has one more is theirs
            assert [batch[i] for i in range(len(counts))] == case["portion"]


# Selectors


def selected(of: Pool, /, seed: int = 0, **select: Any) -> list[int]:
    """The documents of a phase whose pool is so selected, sorted."""
    phase = {"name": "p", "epochs": 1, "pool": {"select": [select]}}
    _, ordered = planned(of, [phase], seed=seed)
    return sorted(ordered.document.tolist())


def test_the_easiest(vector: Vector) -> None:
    given = vector("mixcpt.easy_subset")
    documents = pool(5, ppl=given["input"]["ppl"])
    got = selected(documents, method="top", by="ppl", documents=given["input"]["keep"], highest=False)
    assert got == sorted(given["output"]["selected"])
    given = vector("stability.lowest_ppl_budget")
    documents = pool(10, ppl=given["input"]["ppl"])
    documents.tokens = np.array(given["input"]["tokens"])
    got = selected(documents, method="token_budget", by="ppl", tokens=given["input"]["budget_tokens"])
    assert got == sorted(given["output"]["selected"])


def test_draws_without_replacement(vector: Vector) -> None:
    given = vector("sampling.wor_inclusion")
    weights, n = given["input"]["p"], 2000
    counts = Counter[int]()
    for seed in range(n):
        fields = {"method": "weighted_draw", "by": "weight", "documents": given["input"]["size"]}
        counts.update(selected(pool(3, seed=seed, weight=weights), seed=seed, **fields))
    for i, expected in enumerate(given["output"]["inclusion_probability"]):
        assert counts[i] / n == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))


def test_held_out_groups(vector: Vector) -> None:
    given = vector("skillmix.split")
    categories, train = given["input"]["skill_category"], given["input"]["train_categories"]
    for k in (1, 2, 3):
        sets = ["+".join(sorted(names)) for names in combinations(sorted(categories), k)]
        fields = {"method": "held_out_groups", "by": "skills", "train": train, "categories": categories}
        for keep, key in (("train", "train"), ("held_out", "heldout"), ("mixed", "mixed")):
            expected = given["output"][f"k={k}"][key]
            if not expected:
                continue
            got = [sets[i].split("+") for i in selected(pool(len(sets), skills=sets), keep=keep, **fields)]
            assert len(got) == expected if key == "mixed" else sorted(got) == sorted(map(sorted, expected))


def test_the_best_correct_answers(vector: Vector) -> None:
    given = vector("mstar.top2")
    rows = next(iter(given["input"].values()))
    columns = {"prompt": [r[0] for r in rows], "correct": [float(r[2]) for r in rows], "reward": [r[3] for r in rows]}
    got = selected(pool(len(rows), **columns), method="correct_top", prompt="prompt", correct="correct", by="reward")
    by_prompt = {prompt: [rows[i][1] for i in of] for prompt, of in groupby(got, key=lambda i: rows[i][0])}
    assert by_prompt == given["output"]["selected"]
