"""What training reports is what the next plan, and the scorer of a side table, read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curation.methods.losses import read_losses
from curation.mixture.plan import Feedback
from curation.training import LossReporter
from tests.conftest import Command, recipe_of, release_of
from tests.curation.methods.schedules.common import planned, pool


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_next_plan_follows_the_report(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"losses.{ending}")
    with LossReporter(path, run_id="a") as reporter:
        for step, losses in ((10, {"x": 3.0, "y": np.float32(2.0)}), (20, {"x": 2.5, "y": np.float32(2.0)})):
            reporter.evaluation(step, losses, ref_losses={"x": 2, "y": 2}, n_tokens={"x": 7}, split="valid")
    table = read_losses(path).table
    assert table["eval_index"].to_list() == [0, 0, 1, 1]
    assert table["step"].to_list() == [10, 10, 20, 20]
    assert table["n_tokens"].to_list() == [7, None, 7, None]
    documents = pool(20, domain=["x"] * 10 + ["y"] * 10)
    phase = {"name": "one", "records": 8, "mixture": {"by": "domain", "method": "doremi"}}
    feedback = Feedback(read_losses(path))
    with pytest.raises(Exception, match="n_tokens is no finite number"):
        planned(documents, [phase], feedback)

    whole = str(tmp_path / f"whole.{ending}")
    with LossReporter(whole, run_id="a", round=1) as reporter:
        reporter.evaluation(10, {"x": 3.0, "y": 2.0}, ref_losses={"x": 2, "y": 2})
    weights = planned(documents, [phase], Feedback(read_losses(whole)))[0].phases[0].weights
    assert weights[0] > 0.7 > weights[1]


def test_json_lines_go_on_and_parquet_does_not(tmp_path: Path) -> None:
    path = str(tmp_path / "losses.jsonl")
    for number in range(2):
        with LossReporter(path, run_id="a", round=number) as reporter:
            reporter.evaluation(5, {"x": 1.0})
            assert len(Path(path).read_text().splitlines()) == number + 1  # there before the end
    assert read_losses(path).rounds() == 2
    with LossReporter(str(tmp_path / "losses.parquet"), run_id="a") as reporter:
        reporter.evaluation(5, {"x": 1.0})
    with pytest.raises(FileExistsError, match="name a new file"):
        LossReporter(str(tmp_path / "losses.parquet"), run_id="a")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ends in"):
        LossReporter("losses.csv", run_id="a")
    reporter = LossReporter(str(tmp_path / "l.jsonl"), str(tmp_path / "d.jsonl"), run_id="a")
    with pytest.raises(ValueError, match="the loss of 'x' is nan"):
        reporter.evaluation(1, {"x": float("nan")})
    with pytest.raises(ValueError, match="ref_loss of the group 'y', which has no loss"):
        reporter.evaluation(1, {"x": 1.0}, ref_losses={"y": 1.0})
    with pytest.raises(ValueError, match="got 2 ids and 1 values of loss"):
        reporter.of_documents(["a", "b"], loss=[1.0])
    with pytest.raises(ValueError, match="document b is no finite number"):
        reporter.of_documents(["a", "b"], loss=[1.0, float("inf")])
    with pytest.raises(ValueError, match="loss or correct"):
        reporter.of_documents(["a"])
    reporter.of_documents(["a"], loss=[1.0])
    with pytest.raises(ValueError, match="'loss' of the documents before"):
        reporter.of_documents(["a"], correct=[1])


@pytest.mark.server
def test_a_recipe_sorts_by_what_training_told(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    phases = [{"name": "all", "epochs": 1, "conditioning": None}]
    assert syllabus("run", str(recipe_of(tmp_path, phases=phases))).returncode == 0
    ids = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")["id"]
    told = str(tmp_path / "documents.jsonl")
    with LossReporter(documents=told, run_id="a") as reporter:
        for epoch in range(2):
            reporter.of_documents(ids, loss=np.arange(len(ids)) + 2.0 * epoch)
    first = json.loads(Path(told).read_text().splitlines()[0])
    assert first == {"run_id": "a", "round": 0, "id": ids[0], "loss": 1.0}
    tags = {"domain": {"from": "url"}, "loss": {"from": "table", "path": told, "column": "loss"}}
    phases[0]["order"] = {"method": "sort", "by": "loss", "descending": True}
    done = syllabus("run", str(recipe_of(tmp_path, phases=phases, tags=tags)))
    assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet").sort("position")
    assert rows["id"].to_list() == ids.to_list()[::-1]
