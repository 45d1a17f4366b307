"""What shows progress."""

from __future__ import annotations

import io

import cloudpickle
import pytest
from rich.console import Console

from flows import progress


def test_progress_goes_to_other_processes_without_its_terminal() -> None:
    """Prefect sends the flow, and with it what shows its progress, to its worker processes."""
    for one in (progress.terminal(Console()), progress.silent(Console()), progress.silent()):
        sent = cloudpickle.loads(cloudpickle.dumps(one))
        sent.say("nothing")
        with sent.stage("prepare", 2) as advance:
            advance(1)


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line a stage, and at most one every ten seconds in it."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    written = io.StringIO()
    with progress.lines(Console(file=written, width=40)).stage("prepare", 4, 40_000_000) as advance:
        for seconds in (2, 9, 13, 16):
            now[0] = seconds
            advance(1)
    with progress.lines(Console(file=written)).stage("tag", 1) as advance:
        advance(1)
    assert written.getvalue().splitlines() == [
        "prepare: 3 of 4, 13 s, 2.3 MB/s",
        "prepare: 4 of 4 in 16.0 s, 2.5 MB/s",
        "tag: 1 of 1 in 0.0 s",
    ]
