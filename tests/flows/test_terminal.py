"""What a terminal is told: version, help, quiet runs, the end of a run, and mistakes before anything is started."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from tests.conftest import Command, recipe_of, write_jsonl

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_and_version(asked: str, syllabus: Command) -> None:
    assert "Exit codes: 0 done" in " ".join(syllabus(asked).stdout.split())
    assert "--quiet" in syllabus("run", asked).stdout
    assert syllabus("--version").stdout == f"syllabus {importlib.metadata.version('syllabus')}\n"


def test_the_end_of_a_run_quiet_and_json(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = str(recipe_of(tmp_path))
    done = syllabus("run", recipe)
    assert "documents in" in done.stdout
    assert "MB/s)" in done.stdout
    assert "/report.html" in done.stdout
    assert "next: syllabus explain " in done.stdout
    assert "prepare: " in done.stderr
    assert "write: " in done.stderr
    silent = syllabus("run", recipe, "-q", "--set", "name=silent")
    (line,) = silent.stdout.splitlines()
    assert Path(tmp_path / line / "manifest.json").exists()
    assert silent.stderr == ""
    told = json.loads(syllabus("run", recipe, "--json", "--set", "name=told").stdout)
    manifest = json.loads((tmp_path / told["folder"] / "manifest.json").read_text())
    assert told["tokens"] == sum(shard["tokens"] for shard in manifest["shards"])
    assert told["documents"] == manifest["funnel"][-1]["out"]
    assert told["dropped"]["exact"] == 1
    again = json.loads(syllabus("run", recipe, "--json", "--set", "name=told").stdout)
    assert "tokens" not in again
    assert "nothing new" in again["message"]


def test_mistakes_are_told_before_anything_is_started(
    tmp_path: Path, syllabus: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the API was started")

    monkeypatch.setattr(sys.modules["flows.cli.run"], "embedded_api", never)
    write_jsonl(tmp_path / "a.jsonl", [{"body": "some text", "n": 1}])
    write_jsonl(tmp_path / "b.jsonl", [{"body": "more text", "n": 1}])
    source = {"name": "a", "paths": [str(tmp_path / "*.jsonl")]}
    done = syllabus("run", str(recipe_of(tmp_path, sources=[source], tags={}, phases=[], conditioning=None)))
    assert done.returncode == 2
    assert "no column `text`; the file has: `body`, `n`; add to the source: columns: {text: body}" in done.stderr
    for fields in ({"engine": {"memory": "1KB"}}, {"sources": [{"name": "a", "paths": ["nowhere/*.jsonl"]}]}):
        assert syllabus("run", str(recipe_of(tmp_path, **{"sources": [source], **fields}))).returncode == 2


def test_methods_fit_a_screen_and_tell_all_of_one(syllabus: Command) -> None:
    listed = syllabus("methods").stdout
    assert "meco" in listed
    assert "selector: " in listed
    one = syllabus("methods", "meco").stdout
    assert "made of: " in one
    assert "promise: There is no loss on the URL." in one
    assert "syllabus run deployments/recipes/meco.yaml" in one
    assert "in the recipes: label-agreement" in syllabus("methods", "neighbour_agreement").stdout
    wrong = syllabus("methods", "mecco")
    assert wrong.returncode != 0
    assert "did you mean meco" in wrong.stderr


def test_a_hub_that_does_not_answer(tmp_path: Path, syllabus: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr("curation.storage.glob", refused)
    source = {"name": "a", "paths": ["hf://datasets/someone/something/*.parquet"]}
    done = syllabus("run", str(recipe_of(tmp_path, sources=[source], tags={}, phases=[], conditioning=None)))
    assert done.returncode == 2
    assert "the hub does not answer (ConnectionError); download the data set and name its folder" in done.stderr
