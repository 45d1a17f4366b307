"""Files that were sound once: 500 in the fast tests, 20,000 in CI, a million in the long mode; and what the fuzzer must notice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from curation.readers.read_files import Batch
from tests.conftest import ROOT
from tests.faults import fuzzing


@pytest.mark.parametrize(
    "inputs",
    [
        500,
        pytest.param(20_000, marks=pytest.mark.slow),
        pytest.param(1_000_000, marks=pytest.mark.faults),
    ],
)
def test_nothing_is_lost_and_nothing_is_raised(inputs: int) -> None:
    command = [sys.executable, "-m", "tests.faults.fuzzing", "--inputs", str(inputs), "--seed", str(inputs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{inputs:,} inputs" in done.stdout
    came = {line.split(": ")[-1] for line in done.stdout.splitlines()[:-1]}
    assert came == {"read", "bad rows", "fault", "refused"}  # each happens


def lost_row(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        yield replace(batch, documents=batch.documents.slice(1)) if len(batch.documents) > 1 else batch


def swallowed(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        yield replace(batch, bad=0, bad_rows=[])


def row_twice(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        yield replace(batch, bad=0, bad_rows=[])


def telling(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        said = [(row, f"{reason}: {fuzzing.CANARY}") for row, reason in batch.bad_rows]
        yield replace(batch, bad_rows=said)


def raising(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        if batch.bad:
            raise ValueError("a bad row")
        yield batch


@pytest.mark.parametrize("planted", [lost_row, swallowed, row_twice, telling, raising])
def test_a_fault_that_is_planted_is_noticed(planted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_read = fuzzing.read
    data = fuzzing.sound()["lines.jsonl"].replace(b'"text": "CANARYWORD 3', b'"text": 3, "x": "CANARYWORD 3')
    assert fuzzing.check(tmp_path, "lines.jsonl", data) == "bad rows"
    monkeypatch.setattr(fuzzing, "read", lambda *given, **named: planted(sound_read(*given, **named)))
    with pytest.raises((AssertionError, ValueError)):
        fuzzing.check(tmp_path, "lines.jsonl", data)
