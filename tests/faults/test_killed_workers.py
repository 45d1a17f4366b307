"""Workers that are killed in every stage of a recurring recipe, and one that is slow, on every engine that has workers: the same
releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import every_stage
from tests.faults.running import run

pytest.importorskip("tokenizers")


@pytest.mark.server
@pytest.mark.faults
@pytest.mark.parametrize("kind", ["dask", "ray", "processes"])
def test_a_worker_killed_in_every_stage(tmp_path: Path, api: dict[str, str], kind: str) -> None:
    if kind != "processes":
        pytest.importorskip(f"prefect_{kind}")
    every_stage.raw_text(tmp_path)
    for week in range(every_stage.WEEKS):
        every_stage.week(tmp_path, week)
        for output in ("wanted", "found") if week == 0 else ("wanted",):
            made = run(every_stage.recipe_of(tmp_path, tmp_path / output), api)
            assert (made.returncode, made.stderr) == (0, "")
    marks = tmp_path / "killed"
    marks.mkdir()
    recipe = every_stage.recipe_of(tmp_path, tmp_path / "found", kind=kind)
    for _ in range(40):
        found = run(recipe, api, KILL_WORKERS=str(marks))
        if found.returncode == 0:
            break
        assert kind == "processes"  # its pool ends with a worker; a rerun goes on
        assert found.stderr.startswith("error: engine: a worker ended in the middle of its task")
    assert (found.returncode, found.stderr) == (0, "")
    killed = {mark.name for mark in marks.iterdir()}
    assert every_stage.bytes_of(tmp_path / "found") == every_stage.bytes_of(tmp_path / "wanted")
    assert len(killed) >= 32, sorted(killed)


@pytest.mark.server
@pytest.mark.faults
@pytest.mark.parametrize("kind", ["dask", "ray", "processes"])
def test_a_worker_that_is_slow(tmp_path: Path, api: dict[str, str], kind: str) -> None:
    """A second a piece, when its neighbour takes some hundredths: what it has begun is waited for."""
    if kind != "processes":
        pytest.importorskip(f"prefect_{kind}")
    every_stage.raw_text(tmp_path)
    every_stage.week(tmp_path, 0)
    made = run(every_stage.recipe_of(tmp_path, tmp_path / "wanted"), api)
    assert (made.returncode, made.stderr) == (0, "")
    found = run(every_stage.recipe_of(tmp_path, tmp_path / "found", kind=kind), api, SLOW_WORKER=str(tmp_path))
    assert (found.returncode, found.stderr) == (0, "")
    assert (tmp_path / "slow").stat().st_size >= 3
    assert every_stage.bytes_of(tmp_path / "found") == every_stage.bytes_of(tmp_path / "wanted")
