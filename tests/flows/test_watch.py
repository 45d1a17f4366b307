"""The sensor: new files start one run of a deployment, the same files none. Against a real Prefect server."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from curation.recipes.recipe_file import load
from schemas.errors import RecipeError, RunError
from tests.conftest import recipe_of, write_jsonl

pytestmark = pytest.mark.server


@pytest.fixture
def deployed(tmp_path: Path, api: dict[str, str]) -> str:
    """A deployment of a recipe on files that are still to come."""
    from flows.curate import curate

    recipe = load(str(recipe_of(tmp_path)))
    curate.to_deployment(name="watched", parameters={"recipe": recipe.resolved()}).apply()
    return "curate/watched"


def old(path: Path) -> None:
    os.utime(path, (time.time() - 100, time.time() - 100))


@pytest.mark.slow
def test_new_files_start_one_run(tmp_path: Path, deployed: str) -> None:
    from flows.watch import watch

    def look() -> Any:
        return watch(deployed, quiet_seconds=20)

    assert look() == {"started": None, "files": 0}
    first = tmp_path / "raw" / "web" / "a.jsonl"
    write_jsonl(first, [{"text": "one"}])
    assert look() == {"started": None, "files": 1}  # still being written, for all we know
    old(first)
    started = look()
    assert started["started"] is not None
    assert look() == started
    second = tmp_path / "raw" / "web" / "b.jsonl"
    write_jsonl(second, [{"text": "two"}])
    old(second)
    again = look()
    assert again["files"] == 2
    assert again["started"] not in (None, started["started"])
    write_jsonl(second, [{"text": "three"}])  # changed, not new
    old(second)
    os.utime(second, (time.time() - 50, time.time() - 50))
    assert look()["started"] not in (again["started"], started["started"])


@pytest.mark.slow
def test_a_deployment_that_there_is_not(api: dict[str, str]) -> None:
    from flows.curate import curate
    from flows.watch import watch

    with pytest.raises(RunError, match="no deployment 'curate/nowhere'"):
        watch("curate/nowhere")
    curate.to_deployment(name="empty-form").apply()
    with pytest.raises(RecipeError, match="no recipe of its own"):
        watch("curate/empty-form")
