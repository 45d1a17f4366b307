"""Rounds wait for the loss report."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from curation.mixture.plan import Feedback
from schemas.errors import RecipeError
from tests.conftest import Command, release_of, texts, write_jsonl
from tests.curation.methods.mixers.common import report
from tests.curation.methods.schedules.common import planned, pool

GRAPH = {"a": {"a": 1.0, "b": 0.5}, "b": {"b": 1.0}}
ENTRY = {
    "method": "rounds",
    "name": "round",
    "rounds": 2,
    "records": 60,
    "mixture": {"method": "skill_it", "by": "skill", "graph": GRAPH, "online": True},
}


def test_one_round_a_run(tmp_path: Path) -> None:
    documents = pool(200, skill=["a", "b"] * 100)
    plan, ordered = planned(documents, [ENTRY])
    assert [phase.name for phase in plan.phases] == ["round-0"]
    assert len(ordered.document) == 60
    losses = report(tmp_path, [{"round": 0, "group": "a", "loss": 0.1}, {"round": 0, "group": "b", "loss": 3.0}])
    second, _ = planned(documents, [ENTRY], Feedback(losses))
    assert [phase.name for phase in second.phases] == ["round-1"]
    assert second.phases[0].weights != plan.phases[0].weights
    done = report(tmp_path, [{"round": r, "group": g, "loss": 1.0} for r in (0, 1) for g in "ab"])
    with pytest.raises(RecipeError, match=r"phases\[0\]\.rounds.*all are done"):
        planned(documents, [ENTRY], Feedback(done))


def test_hold_takes_the_weights_of_the_release_before() -> None:
    documents = pool(200, skill=["a", "b"] * 100)
    phase = {"name": "p", "records": 10, "mixture": {**ENTRY["mixture"], "without_losses": "hold"}}  # type: ignore[dict-item]
    plan, _ = planned(documents, [phase], Feedback(held={"skill": {"a": 0.9, "b": 0.1}}))
    assert plan.phases[0].weights == pytest.approx((0.9, 0.1))
    two, _ = planned(
        documents,
        [{**phase, "name": "q", "mixture": {"method": "fixed", "by": "skill", "weights": {"a": 0.3, "b": 0.7}}}, phase],
    )
    assert two.phases[1].weights == pytest.approx((0.3, 0.7))


def told(folder: Path, rounds: int) -> Path:
    """What training says of each document, by its name: the higher the number, the higher the loss."""
    path = folder / f"documents-{rounds}.jsonl"
    rows = [{"run_id": "r", "round": n, "id": f"d{i}", "loss": i + 0.5 + n} for n in range(rounds) for i in range(80)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.server
def test_later_rounds_go_by_what_the_report_says_of_documents(tmp_path: Path, syllabus: Command) -> None:
    """The first round draws from all, the next from the hardest ten, by the report's last round."""
    write_jsonl(tmp_path / "raw.jsonl", [{"id": f"d{i}", "text": text} for i, text in enumerate(texts(80))])
    recipe = {
        "name": "tried",
        "output": str(tmp_path / "out"),
        "sources": [{"name": "web", "paths": [str(tmp_path / "raw.jsonl")], "columns": {"id": "id"}}],
        "dedup": {"exact": False, "minhash": None},
        "tags": {"loss": {"from": "table", "column": "loss"}},
        "mixture": None,
        "phases": [
            {
                "method": "rounds",
                "name": "round",
                "rounds": 3,
                "epochs": 1,
                "later": {"select": [{"method": "top", "by": "loss", "documents": 10}]},
            }
        ],
    }
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe))
    assert syllabus("run", str(path)).returncode == 0
    first = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
    assert len(first) == 80
    assert first["loss"].null_count() == 80
    for rounds in (1, 2):
        done = syllabus("run", str(path), "--losses", str(told(tmp_path, rounds)))
        assert done.returncode == 0, done.stderr
        later = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
        assert sorted(later["loss"]) == [i + 0.5 + rounds - 1 for i in range(70, 80)]
        assert set(later["phase"]) == {f"round-{rounds}"}
    planned_ = syllabus("plan", str(path), "--losses", str(told(tmp_path, 2)), "--json")
    assert json.loads(planned_.stdout)["phases"][0]["targets"]["(all)"] > 0
    over = syllabus("run", str(path), "--losses", str(told(tmp_path, 3)))
    assert over.returncode == 2
    assert "all are done" in over.stderr


def test_names_of_later_pools_are_checked(tmp_path: Path, syllabus: Command) -> None:
    write_jsonl(tmp_path / "raw.jsonl", [{"text": "a"}])
    entry = {"method": "rounds", "name": "round", "rounds": 3, "epochs": 1}
    for fields, place in (
        ({"later": {"select": [{"method": "top", "by": "los", "documents": 1}]}}, "phases[0].later.select[0].by"),
        ({"parts": {"method": "group_part", "by": "promt", "parts": 2}}, "phases[0].parts.by"),
    ):
        recipe = {
            "name": "tried",
            "sources": [{"name": "web", "paths": [str(tmp_path / "raw.jsonl")]}],
            "phases": [{**entry, **fields}],
        }
        (tmp_path / "recipe.json").write_text(json.dumps(recipe))
        done = syllabus("plan", str(tmp_path / "recipe.json"))
        assert done.returncode == 2
        assert f"{place}: names" in done.stderr
