"""`plan` before the first run, from the pool of a release, and from declared sizes; a refused run leaves nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from curation.recipes.recipe_file import load
from flows import cli
from flows.curate import with_engine
from flows.progress import silent
from schemas.errors import RecipeError, RunError
from schemas.recipe import Recipe
from tests.conftest import Command, recipe_of, release_of
from tests.flows.test_mixtures import two_sources

TAGS = {"topic": {"from": "column", "column": "topic"}}


@pytest.mark.server
def test_before_the_first_run_and_after_it(
    corpus: Path, tmp_path: Path, syllabus: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "out" / "tried"
    recipe = str(recipe_of(tmp_path))
    before = syllabus("plan", recipe, "--json")
    assert before.returncode == 0, before.stderr
    planned = json.loads(before.stdout)  # and nothing else
    assert planned["from"] == {"source": "the pool that a run would make now", "release": None, "documents": 360}
    assert [path.name for path in home.iterdir()] == [".cache"]
    assert not list((home / ".cache" / "work").glob("*"))
    prepared = {path: path.stat().st_mtime_ns for path in (home / ".cache" / "prepared").glob("*/summary.json")}
    assert prepared

    loaded = load(recipe)
    with_engine(loaded, keep=lambda _: None, progress=silent())(loaded)
    assert {path: path.stat().st_mtime_ns for path in prepared} == prepared, "a prepared partition was done again"
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    for phase, written in zip(planned["phases"], manifest["phases"], strict=True):
        assert phase["weights"] == pytest.approx(written["weights"])
        assert phase["budget"]["amount"] == pytest.approx(written["budget"]["amount"])
        got = sum(amount["tokens"] for amount in written["realised"].values())
        assert sum(phase["targets"].values()) == pytest.approx(got, rel=0.01)

    def said(*overrides: str) -> str:
        sets = [part for one in overrides for part in ("--set", one)]
        monkeypatch.setattr(sys, "argv", ["syllabus", "plan", recipe, *sets])
        capsys.readouterr()
        assert cli._command() == 0
        return capsys.readouterr().out

    other = said("phases=[{name: all, tokens: 5000}]", "conditioning.hash=false")
    assert f"planned from the pool of release {release_of(tmp_path).name}, 360 documents" in other
    (corpus / "books.jsonl").write_text((corpus / "books.jsonl").read_text().splitlines()[0] + "\n")
    changed = said("phases=[{name: all, records: 5}]")
    assert "planned from the pool that a run would make now, 271 documents" in changed


def declared(
    folder: Path, sizes: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **fields: Any
) -> tuple[int, str, str]:
    """`syllabus plan RECIPE --sizes FILE --json`: exit code, output, errors."""
    (folder / "sizes.json").write_text(json.dumps(sizes))
    recipe = recipe_of(folder, **{"tags": TAGS, "conditioning": None, **fields})
    arguments = ["plan", str(recipe), "--sizes", str(folder / "sizes.json"), "--json"]
    monkeypatch.setattr(sys, "argv", ["syllabus", *arguments])
    code = cli._command()
    said = capsys.readouterr()
    return code, said.out, said.err


Call = tuple[pytest.MonkeyPatch, pytest.CaptureFixture[str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return monkeypatch, capsys


def test_declared_sizes_have_documents_and_tokens(tmp_path: Path, call: Call) -> None:
    sizes = {"t0": {"documents": 10, "tokens": 9000}, "t1": {"documents": 90, "tokens": 1000}}
    mixture = {"by": "topic", "method": "proportional"}
    phases = [
        {"name": "a", "tokens": 1000},
        {"name": "b", "records": 50},
        {"name": "c", "epochs": 1, "pool": {"where": {"topic": "t1"}}},
        {"method": "amounts", "name": "d", "by": "topic", "shares": {"t1": 0.5}},
    ]
    code, out, err = declared(tmp_path, sizes, *call, mixture=mixture, phases=phases)
    assert code == 0, err
    plan = {phase["name"]: phase["targets"] for phase in json.loads(out)["phases"]}
    assert plan == {"a": {"t0": 900, "t1": 100}, "b": {"t0": 5, "t1": 45}, "c": {"t1": 1000}, "d": {"t0": 0, "t1": 45}}
    code, out, err = declared(tmp_path, {"t0": 9000, "t1": 1000}, *call, mixture=mixture, phases=phases[:1])
    assert json.loads(out)["phases"][0]["targets"] == {"t0": 900, "t1": 100}


TOP = {"method": "top", "by": "tokens", "share": 0.5}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "a", "epochs": 1, "pool": {"select": [TOP]}}, "phases[0].pool.select[0]: the selector 'top'"),
    ({"name": "a", "epochs": 1, "pool": {"where": {"source": "web"}}}, "phases[0].pool.where.source"),
    ({"name": "a", "epochs": 1, "pool": {"where": {"topic": "t9"}}}, "has no label 't9'"),
    ({"name": "a", "epochs": 1, "pool": {"where": {"topic": {"min": "t0"}}}}, "phases[0].pool.where.topic: a range"),
    ({"name": "a", "records": 5}, "phases[0].records: counts documents"),
    ({"name": "a", "epochs": 1, "order": {"method": "sort", "by": "tokens"}}, "phases[0].order.by: an order by"),
    ({"name": "a", "method": "cyclical"}, "phases[0].method: 'cyclical' needs documents"),
    ({"name": "a", "method": "skill_curriculum", "by": "topic", "score": "tokens", "records": 9}, "phases[0].score"),
    ({"name": "a", "epochs": 1, "mixture": {"by": "source"}}, "the recipe has several"),
]


@pytest.mark.parametrize(("phase", "says"), REFUSED)
def test_what_sizes_cannot_know_is_refused_by_name(
    phase: dict[str, Any], says: str, tmp_path: Path, call: Call
) -> None:
    phases = [phase, {"name": "z", "tokens": 10}]
    sizes = {"t0": {"documents": 10, "tokens": 9000}, "t1": 1000}
    code, out, err = declared(tmp_path, sizes, *call, mixture={"by": "topic"}, phases=phases)
    assert code == 2
    assert says in err
    assert not out


def test_sizes_of_sources_name_them_all(tmp_path: Path, call: Call) -> None:
    code, _, err = declared(tmp_path, {"web": 10, "book": 5}, *call, phases=[])
    assert code == 2
    assert "'book' is no source of the recipe; did you mean 'books'" in err
    assert "no size for the source 'books'" in err
    assert declared(tmp_path, {"web": 10, "books": -5}, *call, phases=[])[0] == 2


@pytest.mark.server
@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"phases": [{"name": "a", "tokens": 10**9}]}, RecipeError),
        ({"phases": [{"name": "a", "epochs": 1, "pool": {"where": {"source": "nobody"}}}]}, RecipeError),
        ({"limits": {"group_share": {"source": {"short": {"min": 0.9}}}}}, RunError),
    ],
)
def test_a_refused_run_leaves_no_folder(fields: dict[str, Any], error: type[Exception], tmp_path: Path) -> None:
    recipe = Recipe.model_validate(two_sources(tmp_path, **fields))
    with pytest.raises(error):
        with_engine(recipe, keep=lambda _: None, progress=silent())(recipe)
    home = tmp_path / "out" / "mixed"
    assert [path.name for path in home.iterdir()] == [".cache"]
    assert not list(home.glob(".cache/runs/*"))
    assert not list(home.glob(".cache/work/*"))
