"""A secret that is planted wherever one may stand is found nowhere: not in manifest and report, not in Prefect's database with its
logs, events and parameters, not on the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.recipes.recipe_file import validate
from schemas.errors import RecipeMistakes
from tests.conftest import ROOT, release_of

SECRET = "hunter2canary"
TEXT = "zebracanary"
"""A word of a document: in the release, and in nothing that Prefect keeps."""


def run(folder: Path, recipe: dict[str, Any], **environment: str) -> subprocess.CompletedProcess[str]:
    """`syllabus run` with a Prefect home of its own in the folder, logs and all."""
    (folder / "r.json").write_text(json.dumps(recipe))
    own = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    own |= {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_LOGGING_LEVEL": "DEBUG", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "flows.cli", "run", str(folder / "r.json")]
    return subprocess.run(command, cwd=folder, env=own | environment, capture_output=True, text=True, check=False)


def recipe(folder: Path, **parts: Any) -> dict[str, Any]:
    return {
        "name": "tried",
        "output": f"{folder}/out",
        "sources": [{"name": "w", "paths": [f"{folder}/*.jsonl"]}],
        "clean": {"rules": []},
        **parts,
    }


def holding(folder: Path, canary: str, but: tuple[str, ...] = ()) -> list[str]:
    """The files below a folder that hold the word, as it is or in UTF-16."""
    found = []
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(but):
            data = path.read_bytes()
            if canary.encode() in data or canary.encode("utf-16-le") in data:
                found.append(name)
    return found


@pytest.mark.slow
@pytest.mark.server
def test_the_environment_and_the_texts(tmp_path: Path) -> None:
    rows = [{"text": f"{TEXT} {i} stands in a document"} for i in range(20)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"text": 5, "x": TEXT}]))
    secrets = dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY", "MY_TOKEN"), SECRET)
    done = run(tmp_path, recipe(tmp_path), **secrets)
    assert done.returncode == 0, done.stderr
    assert holding(tmp_path, SECRET) == []
    assert SECRET not in done.stdout + done.stderr
    assert TEXT not in done.stdout + done.stderr
    assert holding(tmp_path / "prefect", TEXT) == []
    # What is searched for could be found: the run's name is in the database, the texts are in the shards.
    assert holding(tmp_path / "prefect", "tried")
    assert pl.read_parquet(release_of(tmp_path) / "shards/*.parquet")["text"].str.contains(TEXT).all()


PLACES: dict[str, dict[str, Any]] = {
    "output": {"output": f"s3://user:{SECRET}@bucket/out"},
    "sources[0].paths[1]": {"sources": [{"name": "w", "paths": ["a.jsonl", f"https://u:{SECRET}@host/a.jsonl"]}]},
    "clean.language.model": {"clean": {"language": {"keep": ["en"], "model": f"https://u:{SECRET}@host/m.ftz"}}},
    "decontaminate.benchmarks[0]": {"decontaminate": {"benchmarks": [f"gs://:{SECRET}@bucket/b.jsonl"]}},
    "tags.t.path": {"tags": {"t": {"from": "table", "path": f"abfs://u:{SECRET}@h/t.parquet", "column": "c"}}},
    "description": {"description": f"ask postgresql://admin:{SECRET}@db for more"},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_recipe_with_a_password_is_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeMistakes) as error:
        validate(recipe(tmp_path, **PLACES[place]))
    (mistake,) = error.value.mistakes
    assert str(mistake).startswith(f"{place}: a URL with a password")
    assert SECRET not in str(mistake)


@pytest.mark.server
def test_a_refused_recipe_leaves_its_password_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    done = run(tmp_path, recipe(tmp_path, **PLACES["output"]))
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr
    assert holding(tmp_path, SECRET, but=("r.json",)) == []


@pytest.mark.server
def test_a_deployment_says_nothing_of_what_it_was_given(tmp_path: Path, api: dict[str, str], caplog: Any) -> None:
    """Prefect validates a run's parameters itself, and writes down why they are none."""
    from flows.curate import curate

    given = recipe(tmp_path, **PLACES["output"]) | {"nonsense": SECRET}
    state: Any = curate(given, return_state=True)  # type: ignore[arg-type]
    assert state.is_failed()
    assert SECRET not in str(state.message)
    assert SECRET not in repr(state.result(raise_on_failure=False))
    assert SECRET not in caplog.text
