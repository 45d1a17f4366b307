"""Two runs of one recipe: the later one waits, or is cancelled where it is not to wait. Against a real Prefect server."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from curation.recipes.recipe_file import load
from flows.one_at_a_time import limit_name, one_at_a_time
from tests.conftest import ROOT, recipe_of, release_of

pytestmark = pytest.mark.server


@pytest.mark.slow
def test_a_later_run_waits_for_the_end_of_the_first(corpus: Path, tmp_path: Path, api: dict[str, str]) -> None:
    from flows.curate import curate

    recipe = load(str(recipe_of(tmp_path)))
    ended: list[float] = []

    def second() -> None:
        curate(recipe)
        ended.append(time.monotonic())

    with one_at_a_time(recipe, wait=True) as alone:
        assert alone
        # A thread has no settings of its own but Prefect's of the process: ours name the server of the session.
        run = threading.Thread(target=contextvars.copy_context().run, args=(second,))
        run.start()
        time.sleep(5)
        assert not (tmp_path / "out" / "tried" / "latest.json").exists()
        freed = time.monotonic()
    run.join(timeout=120)
    assert ended
    assert ended[0] > freed
    assert release_of(tmp_path).exists()


def test_one_that_is_not_to_wait_is_cancelled(corpus: Path, tmp_path: Path, api: dict[str, str]) -> None:
    from flows.curate import curate

    recipe = load(str(recipe_of(tmp_path)))
    with one_at_a_time(recipe, wait=True):
        state: Any = curate(recipe, overlap="cancel", return_state=True)
    assert state.is_cancelled()
    assert "under way" in state.message
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_runs_of_two_servers_take_turns(corpus: Path, tmp_path: Path, api: dict[str, str]) -> None:
    """Two terminals, each with a server of its own: one makes the release, the other waits and finds nothing new."""
    recipe = recipe_of(tmp_path)
    environment = {key: value for key, value in {**os.environ, **api}.items() if key != "PREFECT_API_URL"}
    command = [sys.executable, "-m", "flows.cli", "run", str(recipe)]
    runs = []
    for number in range(2):
        with_home = environment | {"PREFECT_HOME": str(tmp_path / f"prefect-{number}"), "PYTHONPATH": str(ROOT)}
        runs.append(
            subprocess.Popen(
                command, cwd=tmp_path, env=with_home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    said = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    ends = [line for out, _ in said for line in out.splitlines() if line.startswith(("nothing new", "release "))]
    assert sorted(line.split()[0] for line in ends) == ["nothing", "release"]
    pids = {str(run.pid) for run in runs}
    for _, err in said:  # who came second by much less than a run names the other; by more, it has nothing to wait for
        for line in [line for line in err.splitlines() if line.startswith("process ")]:
            assert line.split()[1] in pids
            assert line.endswith(": waiting")
    assert len(list((tmp_path / "out" / "tried").glob("2*/manifest.json"))) == 1


def test_the_folder_decides_not_the_name_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    names = set()
    for output in ("a", "b", "s3://bucket/%odd name/"):
        recipe = load(str(recipe_of(tmp_path, output=output)))
        names.add(limit_name(recipe))
        assert not set("/%&><") & set(limit_name(recipe))
    assert len(names) == 3
