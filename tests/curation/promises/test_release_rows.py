"""Promises through the command line: kept, broken and wrong ones. That each can be broken: tests/deployments/mutations.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.promises import FUNCTIONS, kept
from curation.promises.release_rows import Broken, ReleaseRows, label_of, matching
from schemas import promises as models
from schemas.filters import Bounds
from schemas.recipe import Recipe
from tests.conftest import Command, recipe_of, write_jsonl
from tests.deployments.mutations import MUTATIONS, caught
from tests.made_tokenizers import byte_level

pytestmark = pytest.mark.usefixtures("api")


def test_every_check_has_a_function_and_a_fault_that_it_finds() -> None:
    by_mutation = {*MUTATIONS, models.Weights, models.LeftOut}
    assert set(FUNCTIONS) == by_mutation


@pytest.mark.server
def test_a_broken_promise_is_told_everywhere(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    promises = [
        {
            "check": "sizes",
            "says": "Nine tenths come first.",
            "sizes": {"conditioned": 0.9},
            "of": "release",
            "unit": "tokens",
        },
        {"check": "written", "says": "All is upper case.", "pattern": "^[A-Z]+$"},
        {"check": "labels", "phases": ["warm*"], "by": "domain", "are": ["x"]},
        {"check": "weights", "when": "report", "greatest": ["books"]},
    ]
    done = syllabus("run", str(recipe_of(tmp_path, promise=promises)))
    assert done.returncode == 0
    assert "1 of 3 promises of the recipe hold" in done.stdout
    assert "does not hold: All is upper case." in done.stdout
    folder = next((tmp_path / "out" / "tried").glob("2*"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [(one["check"], one["holds"]) for one in manifest["promises"]] == [
        ("sizes", True),
        ("written", False),
        ("labels", False),
    ]
    assert "there is no phase 'warm*'; there are conditioned, cooldown" in manifest["promises"][2]["faults"][0]
    page = (folder / "report.html").read_text()
    assert "What the recipe promises" in page
    assert "All is upper case." in page
    checked = syllabus("verify", str(folder))
    assert checked.returncode == 4
    assert (
        "promise written (All is upper case.): phase conditioned: text is written so in 0 of"
        in checked.stdout + checked.stderr
    )


@pytest.mark.server
def test_labels_are_hostile(tmp_path: Path, syllabus: Command) -> None:
    """A label that is markup and control characters stands in faults, escaped in the page and printable in the terminal."""
    evil = "<img src=x onerror=alert(1)>\x1b[31m"
    write_jsonl(tmp_path / "raw.jsonl", [{"text": f"Some words of number {n}.", "kind": evil} for n in range(20)])
    recipe = recipe_of(
        tmp_path,
        sources=[{"name": "raw", "paths": [str(tmp_path / "raw.jsonl")]}],
        clean={},
        tags={"kind": {"from": "column", "column": "kind"}},
        conditioning=None,
        phases=[],
        promise=[{"check": "labels", "by": "kind", "are": ["good"]}],
    )
    done = syllabus("run", str(recipe))
    assert "does not hold" in done.stdout
    assert "\x1b" not in done.stdout
    page = next((tmp_path / "out" / "tried").glob("2*/report.html")).read_text()
    assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        (
            {"check": "sorted_by", "by": "nothing"},
            "promise[0].by: 'nothing' is no column of the shards; there are domain, ",
        ),
        ({"check": "share", "where": {"nope": 1}, "share": 1}, "promise[0].where.nope: 'nope' is no column"),
        ({"check": "written", "begins": "{site}"}, "'site' is no column"),
        ({"check": "share", "where": {"source": "web"}}, "give share, or min, max or both"),
        ({"check": "segments", "kinds": {"content": True}, "optional": ["x"]}, "'x' is not among kinds: content"),
        ({"check": "repeats", "by": "tokens", "starting": {"x": 1}}, "starting: 'x' is no number"),
        ({"check": "nothing"}, "promise[0]"),
    ],
)
def test_what_a_promise_cannot_say(
    promise: dict[str, Any], said: str, corpus: Path, tmp_path: Path, syllabus: Command
) -> None:
    done = syllabus("plan", str(recipe_of(tmp_path, promise=[promise])))
    assert done.returncode == 2
    assert said in " ".join((done.stdout + done.stderr).split())


def test_packed_rows_keep_no_columns() -> None:
    plain = {
        "name": "x",
        "sources": [{"name": "a", "paths": ["a.jsonl"]}],
        "shards": {"tokenizer": "t.json", "sequence_length": 64},
        "promise": [{"check": "repeats", "times": 1}],
    }
    with pytest.raises(ValueError, match="packed rows keep no columns"):
        Recipe.model_validate(plain)
    with pytest.raises(ValueError, match="packed rows keep no columns"):
        Recipe.model_validate({**plain, "promise": [{"check": "sizes", "sizes": {"main": 5}}]})
    Recipe.model_validate({**plain, "promise": [{"check": "weights", "greatest": ["a"]}]})


@pytest.mark.server
def test_sizes_and_overlap_of_packed_rows(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    tokenizer = byte_level(tmp_path / "tokenizer.json", ["the river and the house"], ["<s>", "</s>", "<pad>"], 300)
    promises = [
        {
            "check": "sizes",
            "sizes": {"conditioned": 0.9, "cooldown": 0.1},
            "of": "release",
            "unit": "tokens",
            "within": 0.02,
        },
        {"check": "overlap", "documents": "none"},
        {"check": "sizes", "sizes": {"conditioned": 0.5, "cooldown": 0.5}, "of": "release", "unit": "tokens"},
        {"check": "overlap", "documents": "same"},
    ]
    shards = {"tokenizer": tokenizer, "sequence_length": 64, "packing": {"method": "concat"}}
    done = syllabus("run", str(recipe_of(tmp_path, promise=promises, shards=shards)))
    assert done.returncode == 0, done.stderr
    folder = str(next((tmp_path / "out" / "tried").glob("2*")))
    manifest = json.loads((Path(folder) / "manifest.json").read_text())
    assert [one["holds"] for one in manifest["promises"]] == [True, True, False, False]
    assert re.search(
        r"phase conditioned holds 0\.[89]\d* of the release, not 0\.5", manifest["promises"][2]["faults"][0]
    )
    release = ReleaseRows(folder, manifest)
    told = {phase["name"]: sum(one["tokens"] for one in phase["realised"].values()) for phase in manifest["phases"]}
    for phase, tokens in told.items():
        rows = pl.concat([pl.read_parquet(f"{folder}/{path}") for path in release.files[phase]])
        assert len(release.ids(phase)) == rows["doc_ids"].explode().n_unique()
        assert tokens < release.tokens(phase) <= rows.height * 64  # each document has a begin and an end besides
    for number, promise in enumerate(
        [models.Sizes.model_validate(promises[0]), models.Overlap.model_validate(promises[1])]
    ):
        (tmp_path / str(number)).mkdir()
        assert caught(folder, manifest, promise, tmp_path / str(number))


def test_filters_are_those_of_a_pool() -> None:
    frame = pl.DataFrame({"n": [1.0, 2.0, None], "s": ["a", None, "2"], "i": [1, 2, 3], "position": [0, 1, 2]})
    chosen = lambda **where: matching(frame, where)["position"].to_list()  # noqa: E731
    assert chosen(n=Bounds(min=2)) == [1]
    assert chosen(n=[1, None]) == [0, 2]
    assert chosen(s=2.0) == [2]
    assert chosen(s=None) == [1]
    assert chosen(s=["a", None], n=Bounds(max=1)) == [0]
    assert chosen(s=Bounds(min="a")) == [0]
    assert chosen(i=[1, 3]) == [0, 2]
    assert chosen(i=Bounds(min=2, max=2.5)) == [1]
    with pytest.raises(Broken, match="column 'i' holds numbers"):
        chosen(i="x")
    assert label_of(frame, "n").to_list() == ["1", "2", "(none)"]


def test_of_the_pool_by_a_name_that_groups_were_inside_of() -> None:
    amount = {"documents": 1, "tokens": 10}
    rows = ReleaseRows(
        "", {"shards": [], "groups": {"source": {}, "topic/step": {"a/1": amount, "a/2": amount, "b/1": amount}}}
    )
    assert rows.pool("topic") == {"a": {"documents": 2, "tokens": 20}, "b": amount}
    with pytest.raises(Broken, match="nothing of the pool by 'step'"):
        rows.pool("step")


def test_a_pattern_that_is_none_is_broken(corpus: Path, tmp_path: Path) -> None:
    pl.DataFrame({"position": [0], "text": ["a"]}).write_parquet(tmp_path / "0.parquet")
    manifest = {"shards": [{"phase": "all", "path": "0.parquet"}], "groups": {}, "phases": []}
    (one,) = kept(str(tmp_path), manifest, [models.Written(check="written", pattern="(")])
    assert one.faults == ["the pattern '(' is no regular expression"]
