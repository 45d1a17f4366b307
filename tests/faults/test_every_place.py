"""A run killed at every write, and with a disk that is full from every write on. The run is recorded once, with what it leaves at each
point, and goes on from there in a process that has started before: a kill and two starts take several times as long."""

from __future__ import annotations

import errno
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ready import Ready
from tests.faults.running import names_fault, run, sound
from tests.faults.states import States
from tests.faults.warm_runs import WarmRuns

pytest.importorskip("tokenizers")
pytestmark = [pytest.mark.server, pytest.mark.slow]
PARTS = 20
"""Of the long mode, so that one sees how far it is."""
SHORT = 6
"""Of each fault so many places, drawn, in the short mode."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, api: dict[str, str]) -> Ready:
    """Every stage, and no more of each than it takes: two partitions and more, several shards; one after the other."""
    return Ready(tmp_path_factory.mktemp("small"), api, documents=24, workers=1)


@pytest.fixture(scope="module")
def states(small: Ready) -> States:
    recipe, kept = small.again(), small.folder / "states"
    done = run(recipe, small.api, STATES=kept, WATCHED=small.home)
    assert (done.returncode, done.stderr) == (0, "")
    small.is_as_undisturbed("recorded")
    found = States(kept)
    assert found.count == small.writes
    return found


@pytest.fixture(scope="module")
def warm(small: Ready) -> Iterator[WarmRuns]:
    with WarmRuns(small.folder, small.api) as runs:
        yield runs


def goes_on_from(small: Ready, states: States, warm: WarmRuns, point: int) -> None:
    recipe = small.again()
    states.put_back(point, small.home)
    sound(small.home)
    assert warm.run(recipe) == (0, ""), point
    small.is_as_undisturbed(f"killed at write {point}")


def full_from(small: Ready, warm: WarmRuns, point: int) -> None:
    recipe = small.again()
    code, said = warm.run(recipe, full_from=point)
    if code != 0:
        names_fault(code, said, errno.ENOSPC, point)
    sound(small.home)
    assert warm.run(recipe) == (0, ""), point
    small.is_as_undisturbed(f"full from write {point}")


def test_what_is_kept_is_what_a_kill_leaves(small: Ready, states: States) -> None:
    for point in random.Random(4).sample(list(states.points), 2):
        recipe = small.again()
        assert run(recipe, small.api, DIE_AT=point).returncode == -signal.SIGKILL
        left = small.folder / "left"
        shutil.rmtree(left, ignore_errors=True)
        small.home.rename(left)
        states.put_back(point, small.home)
        assert tables(small.home) == tables(left)


def tables(folder: Path) -> dict[str, bytes]:
    """The files of a folder; of those that name times and processes, that they are there."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        path.name.split(".tmp")[0][:12]: path.read_bytes() if path.suffix == ".parquet" else b""
        for path in files
        if path.suffix != ".tmp"
    }


def test_killed_at_some_writes(small: Ready, states: States, warm: WarmRuns) -> None:
    for point in random.Random(1).sample(list(states.points), SHORT):
        goes_on_from(small, states, warm, point)


def test_a_disk_that_is_full_from_some_write_on(small: Ready, warm: WarmRuns) -> None:
    for point in random.Random(2).sample(range(1, small.writes + 1), SHORT):
        full_from(small, warm, point)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_write(small: Ready, states: States, warm: WarmRuns, part: int) -> None:
    for point in states.part(part, PARTS):
        goes_on_from(small, states, warm, point)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
def test_a_disk_that_is_full_from_every_write_on(small: Ready, warm: WarmRuns, part: int) -> None:
    for point in range(1 + part, small.writes + 1, PARTS):
        full_from(small, warm, point)
