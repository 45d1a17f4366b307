"""A run killed at a write, or on a full disk from a write on: readers see whole releases, the rerun gives the undisturbed bytes, and
nothing is left behind."""

from __future__ import annotations

import errno
import json
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.errors import SyllabusError
from tests.faults.ready import Ready
from tests.faults.running import names_fault, run, sound

pytest.importorskip("tokenizers")
pytestmark = [pytest.mark.server, pytest.mark.slow]
SHORT = 2
"""Of each fault so many places, drawn, where not all are tried."""


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, api: dict[str, str]) -> Ready:
    return Ready(tmp_path_factory.mktemp("ready"), api)


def killed_at(ready: Ready, k: int) -> None:
    recipe = ready.again()
    done = run(recipe, ready.api, DIE_AT=k)
    # Threads may have shared the writes out otherwise this time, and the k-th not be reached.
    assert done.returncode in (-signal.SIGKILL, 0), (k, done.stderr)
    ready.goes_on(recipe, f"killed at write {k}")


def full_from(ready: Ready, k: int) -> None:
    recipe = ready.again()
    done = run(recipe, ready.api, FULL_FROM=k)
    if done.returncode != 0:
        names_fault(done.returncode, done.stderr, errno.ENOSPC, k)
    ready.goes_on(recipe, f"full from write {k}")


def bad_read_at(ready: Ready, k: int) -> int:
    recipe = ready.again()
    done = run(recipe, ready.api, EIO_AT=k)
    if done.returncode != 0:  # what no task reads is not tried again
        names_fault(done.returncode, done.stderr, errno.EIO, k)
    ready.goes_on(recipe, f"a bad read at {k}")
    return done.returncode


def test_a_read_that_fails_once(ready: Ready) -> None:
    """Whatever file it is of, input, table or note: never taken for a damaged file, of which rows would be left out."""
    counted = ready.folder / "reads"
    assert run(ready.again(), ready.api, COUNT_READS=counted).returncode == 0
    reads = int(counted.read_text())
    assert reads > 500
    for k in random.Random(3).sample(range(1, reads + 1), SHORT):
        bad_read_at(ready, k)


def test_killed_at_some_writes(ready: Ready) -> None:
    for k in random.Random(1).sample(range(1, ready.writes + 1), SHORT):
        killed_at(ready, k)


def test_a_disk_that_is_full_from_some_write_on(ready: Ready) -> None:
    for k in random.Random(2).sample(range(1, ready.writes + 1), SHORT):
        full_from(ready, k)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_at_some_write(number: int, ready: Ready) -> None:
    """Ctrl-C, and what a service manager sends: the run ends, says so, and goes on where it stopped."""
    k = random.Random(number).randrange(ready.writes // 4, ready.writes // 2)
    recipe = ready.again()
    done = run(recipe, ready.api, STOP_AT=k, SIGNAL=int(number))
    if number == signal.SIGINT:
        assert done.returncode == 128 + number, done.stderr
        assert done.stderr == "interrupted: what is done stays, and the same command goes on from there\n"
    else:
        assert done.returncode == -number, done.stderr
    ready.goes_on(recipe, f"signal {number} at write {k}")


def test_who_follows_latest_never_sees_half_a_release(ready: Ready) -> None:
    """A reader in a loop beside a run."""
    recipe = ready.again()
    home = ready.folder / "found" / "every-stage"
    seen: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            sound(home)
            seen.add(json.loads((home / "latest.json").read_text())["release"])

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read)
        done = run(recipe, ready.api)
        time.sleep(0.2)
        over.set()
        reading.result()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(seen) == 2


def test_a_manifest_that_comes_too_soon_is_noticed(ready: Ready) -> None:
    """The harness itself: a fault put in on purpose."""
    recipe = ready.again()
    done = run(recipe, ready.api, PUBLISH_FIRST=1, DIE_AT=ready.writes * 9 // 10)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises((AssertionError, SyllabusError)):
        sound(ready.folder / "found" / "every-stage")


def kinds_of_writes(ready: Ready) -> dict[str, list[int]]:
    """The places of each kind: the lines of ours that a write came through."""
    told = ready.folder / "kinds"
    assert run(ready.again(), ready.api, KINDS_OF_WRITES=told).returncode == 0
    kinds: dict[str, list[int]] = {}
    for k, kind in enumerate(told.read_text().splitlines(), start=1):
        kinds.setdefault(kind, []).append(k)
    assert len(kinds) > 100
    return kinds


@pytest.mark.faults
def test_killed_at_every_kind_of_write(ready: Ready) -> None:
    """Each line that writes, by each way that leads to it: at its first, its middle and its last write."""
    for places in kinds_of_writes(ready).values():
        for k in sorted({places[0], places[len(places) // 2], places[-1]}):
            killed_at(ready, k)


@pytest.mark.faults
def test_reads_that_fail_once(ready: Ready) -> None:
    for k in range(1, 1500, 13):
        bad_read_at(ready, k)
