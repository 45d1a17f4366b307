"""One run at a time on a folder: the lock ends with its process; in an object store a lease that is left is taken over, and who
lost it finds out."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from curation import storage
from curation.releases import lease
from schemas.errors import RunError
from tests.conftest import ROOT

HOLDER = """
import sys, time
from curation.releases import lease
with lease.hold(sys.argv[1], told=print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_is_waited_for_and_ends_with_its_process(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []
    with lease.hold(str(tmp_path), wait=False, told=said.append) as held:
        assert held is None
    timer = threading.Timer(0.5, holder.kill)
    timer.start()
    with lease.hold(str(tmp_path), told=said.append) as held:
        assert holder.wait() == -9
        assert held is not None
        held.check()
    (sentence,) = said
    assert sentence.startswith(f"process {holder.pid} on ")
    assert sentence.endswith(f"is at work on {tmp_path}: waiting")


def test_it_is_free_again_after_a_block_that_raised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), lease.hold(str(tmp_path), told=print):
        raise ValueError("inside")
    with lease.hold(str(tmp_path), wait=False, told=print) as held:
        assert held is not None


# In an object store


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder in an object store, and leases that go a hundred times as fast."""
    for name, seconds in {"ASKED": 0.01, "RENEWED": 0.1, "EXPIRES": 0.6, "SETTLES": 0.02}.items():
        monkeypatch.setattr(lease, f"{name}_SECONDS", seconds)
    yield "memory://leases/r"
    fsspec.filesystem("memory").store.clear()


def left_by(store: str, process: int) -> None:
    """What a run that was killed leaves."""
    plain = {"host": "other", "process": process, "since": "2024-01-01T00:00:00+00:00", "token": "t"}
    storage.put(f"{store}/.cache/lease.json", json.dumps(plain).encode())


def test_what_a_killed_run_left_is_taken_over_after_a_while(store: str) -> None:
    left_by(store, 7)
    said: list[str] = []
    started = time.monotonic()
    with lease.hold(store, told=said.append) as held:
        assert held is not None
        assert time.monotonic() - started >= 0.6
    assert said == [f"process 7 on other, since 2024-01-01T00:00:00+00:00, is at work on {store}: waiting"]
    assert not storage.exists(f"{store}/.cache/lease.json")


def test_a_lease_is_renewed_while_it_is_held(store: str) -> None:
    with lease.hold(store, told=print) as held:
        assert held is not None
        with lease.hold(store, wait=False, told=print) as other:
            assert other is None
        time.sleep(0.8)  # longer than a lease lasts that is not renewed
        with lease.hold(store, wait=False, told=print) as other:
            assert other is None
        held.check()


def test_a_lease_that_is_not_renewed_is_noticed(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test before this one has a fault to find: a holder that lives and does not say so loses its lease."""
    monkeypatch.setattr(lease, "RENEWED_SECONDS", 60)
    with lease.hold(store, told=print), lease.hold(store, wait=False, told=print) as other:
        assert other is not None


def test_who_was_taken_for_dead_does_not_publish(store: str) -> None:
    with lease.hold(store, told=print) as held:
        assert held is not None
        left_by(store, 9)  # another one took over
        time.sleep(0.3)
        with pytest.raises(RunError, match=r"process 9 on other, .* took this run for dead"):
            held.check()
    assert storage.read_json(f"{store}/.cache/lease.json")["process"] == 9  # it is not ours to remove


def test_of_many_at_once_one_holds_at_a_time(store: str) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with lease.hold(store, told=lambda _: None) as held:
            assert held is not None
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.03)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"token": 3}'])
def test_a_damaged_lease_holds_nobody_up_for_ever(content: bytes, store: str, tmp_path: Path) -> None:
    for folder in (store, str(tmp_path)):
        storage.put(f"{folder}/.cache/lease.json", content)
        said: list[Any] = []
        with lease.hold(folder, told=said.append) as held:
            assert held is not None
