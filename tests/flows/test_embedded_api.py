"""The server that a command starts for itself keeps out of the way, and knows in the end what was done."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, release_of, write_jsonl

FILES = 505
"""Of two documents each, a partition each: over 2,000 tasks, where workers are so many that each partition has its own."""


@pytest.mark.server
@pytest.mark.slow
def test_two_thousand_tasks(tmp_path: Path) -> None:
    for file in range(FILES):
        rows = [
            {"text": f"The document {file} of number {i}, in which stands {file * i} and no more."} for i in range(2)
        ]
        write_jsonl(tmp_path / "raw" / f"{file:03}.jsonl", rows)
    (tmp_path / "recipe.yaml").write_text(
        "name: tried\noutput: out\nsources: [{name: a, paths: ['raw/*.jsonl']}]\nengine: {partition_bytes: 33KB, workers: 70}\n"
    )
    own = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", "recipe.yaml"],
        cwd=tmp_path,
        env={**own, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if " in " not in line and " of " not in line] == []
    assert done.stdout.startswith("Funnel")
    assert "prefect" not in done.stdout.lower()
    assert release_of(tmp_path).is_dir()
    with sqlite3.connect(home / "prefect.db") as database:
        states = dict(database.execute("SELECT state_type, count(*) FROM task_run GROUP BY 1").fetchall())
        flows = dict(database.execute("SELECT state_type, count(*) FROM flow_run GROUP BY 1").fetchall())
    assert set(states) == {"COMPLETED"}
    assert states["COMPLETED"] > 2000
    assert flows == {"COMPLETED": 1}
    assert "locked" not in (home / "embedded-api.log").read_text()
