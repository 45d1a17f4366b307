"""Runs as a table: one with weights and losses, or a swarm's weights beside the report of its runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from curation.methods.mixers import Sizes
from curation.methods.mixers.proxy_runs import read_runs
from schemas.errors import RecipeError
from schemas.mixers import Mixture
from schemas.tables import SWARM

WEIGHTS = {0: {"a": 0.25, "b": 0.75}, 1: {"a": 0.5, "b": 0.5}, 2: {"a": 1.0, "b": 0.0}}


def sizes(**held: int) -> Sizes:
    labels = tuple(sorted(held))
    amounts = np.array([held[label] for label in labels])
    return Sizes(labels, amounts, amounts)


def swarm_table(path: Path, weights: dict[int, dict[str, float]] = WEIGHTS) -> str:
    rows = [(run, f"s/runs/{run:03}", group, w) for run, of in weights.items() for group, w in of.items()]
    columns = [list(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table([pa.array(one) for one in columns], schema=SWARM.remove_metadata()).cast(SWARM), path)
    return str(path)


def report(path: Path, rows: list[dict[str, Any]]) -> str:
    plain = {"round": 0, "step": 100, "eval_index": 0, "group": "eval"}
    path.write_text("".join(json.dumps({**plain, **row}) + "\n" for row in rows))
    return str(path)


def params(**fields: Any) -> Any:
    return TypeAdapter(Mixture).validate_python(
        {"method": "olmix", "by": "topic", "runs": "runs", "targets": {"loss_eval": 1}, **fields}
    )


def read(path: str, of: Any, *targets: str, groups: Sizes | None = None) -> tuple[list[Any], list[Any]]:
    mixtures, losses = read_runs(path, groups or sizes(a=30, b=10), targets or ("loss_eval",), of, "mixture")
    return mixtures.tolist(), losses.tolist()


def test_the_last_losses_of_each_run(tmp_path: Path) -> None:
    """By the run's number or its release; the last evaluation counts, means by tokens; a run without a report is left out."""
    path = report(
        tmp_path / "r.jsonl",
        [
            {"run_id": "0", "loss": 9.0, "n_tokens": 10},
            {"run_id": "0", "loss": 3.0, "eval_index": 1, "n_tokens": 10},
            {"run_id": "0", "loss": 4.0, "eval_index": 1, "n_tokens": 30},
            {"run_id": "s/runs/002", "loss": 2.0, "n_tokens": 1},
        ],
    )
    made = read(path, params(swarm=swarm_table(tmp_path / "swarm.parquet")))
    assert made == ([[0.25, 0.75], [1.0, 0.0]], [[3.75], [2.0]])


def test_one_split_counts(tmp_path: Path) -> None:
    rows = [{"run_id": 1, "loss": 5.0, "split": "train"}, {"run_id": 1, "loss": 6.0, "split": "valid"}]
    path = report(tmp_path / "r.jsonl", rows)
    assert read(path, params(swarm=swarm_table(tmp_path / "swarm.parquet")))[1] == [[6.0]]


@pytest.mark.parametrize(
    ("rows", "weights", "said"),
    [
        ([{"run_id": "0", "loss": float("nan")}], WEIGHTS, "row 0: the loss is no finite number"),
        ([{"run_id": "7", "loss": 1.0}], WEIGHTS, "run_id '7' is no run"),
        ([{"run_id": "0", "loss": 1.0, "group": "evil"}], WEIGHTS, "no loss of a group 'eval'"),
        (
            [{"run_id": "0", "loss": 1.0}, {"run_id": "1", "loss": 1.0, "group": "other"}],
            WEIGHTS,
            "run '1' has no loss of 'eval'",
        ),
        ([{"run_id": "0", "loss": 1.0}], {0: {"a": 1.0}}, "no group 'b'"),
        ([{"run_id": "0", "loss": 1.0}], {0: {"a": 1.0}, 1: {"a": 0.5, "b": 0.5}}, "run 0 has no weight of 'b'"),
        ([{"run_id": "0", "loss": 1.0}], {0: {"a": float("nan"), "b": 1.0}}, "row 0: 'weight' is no finite number"),
    ],
)
def test_what_is_missing_is_named(
    rows: list[dict[str, Any]], weights: dict[int, dict[str, float]], said: str, tmp_path: Path
) -> None:
    path, table = report(tmp_path / "r.jsonl", rows), swarm_table(tmp_path / "swarm.parquet", weights)
    with pytest.raises(RecipeError) as raised:
        read(path, params(swarm=table))
    assert said in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_a_target_of_a_swarm_is_a_groups_loss(tmp_path: Path) -> None:
    path = report(tmp_path / "r.jsonl", [{"run_id": "0", "loss": 1.0}])
    with pytest.raises(RecipeError, match="a target is loss_GROUP"):
        read(path, params(swarm=swarm_table(tmp_path / "swarm.parquet")), "loss")


def test_groups_that_were_joined_or_cut(tmp_path: Path) -> None:
    """``x`` and ``y`` are one today, ``b`` is two, in their natural proportions."""
    path = tmp_path / "old.csv"
    path.write_text("x,y,b,loss_eval\n0.1,0.3,0.6,1\n0.5,0.5,0,2\n")
    of = params(regrouped={"x": "a", "y": "a", "b": ["b1", "b2"]})
    mixtures, losses = read(str(path), of, groups=sizes(a=10, b1=30, b2=10))
    np.testing.assert_allclose(mixtures, [[0.4, 0.45, 0.15], [1.0, 0, 0]])
    assert losses == [[1.0], [2.0]]


def test_a_part_of_a_group_goes_its_own_way(tmp_path: Path) -> None:
    """A group that keeps its name and gives a part away is cut like any other."""
    path = tmp_path / "old.csv"
    path.write_text("a,b,loss_eval\n0.4,0.6,1\n")
    mixtures, _ = read(str(path), params(regrouped={"b": ["b", "c"]}), groups=sizes(a=10, b=10, c=20))
    np.testing.assert_allclose(mixtures, [[0.4, 0.2, 0.4]])


def test_a_label_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("a,b,loss_eval\n0.4,0.6,1\n")
    with pytest.raises(RecipeError, match=r"mixture\.regrouped.*no document has the label 'c'"):
        read(str(path), params(regrouped={"b": "c"}))
