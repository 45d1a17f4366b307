"""Runs of thousands of tasks at a time against one Prefect server: every state arrives, and the releases are as undisturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, texts
from tests.database import postgres, server
from tests.faults.running import INJECTED
from tests.serving import ask

PARTITIONS = 500
"""In four stages and more, a task each: two thousand."""
WORKERS = 64
"""For each run, so that its tasks are as many as its partitions (``flows.run.TASKS_A_WORKER``)."""
SECONDS_A_TASK = 3
"""Such workers would be elsewhere; here they would take the server its two cores."""
AT_A_TIME = 5
RECORDER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}
"""As the README has it: one by one, a server records 70 task runs a second, and drops what waits beyond 10,000."""


def corpus(folder: Path) -> Path:
    """A folder of as many files as there are partitions to be."""
    raw = folder / "raw"
    raw.mkdir()
    for number in range(PARTITIONS):
        rows = [json.dumps({"text": text}) for text in texts(4, seed=number)]
        (raw / f"{number:04}.jsonl").write_text("\n".join(rows))
    return raw


def recipe_of(folder: Path, raw: Path, number: int) -> Path:
    path = folder / f"{number}.json"
    recipe = {
        "name": f"loaded-{number}",
        "output": str(folder / "out"),
        "sources": [{"name": "web", "paths": [str(raw / "*.jsonl")]}],
        "dedup": {"minhash": {}},
        "phases": [{"name": "all", "order": "shuffle"}],
        "engine": {"partition_bytes": "1KB", "workers": WORKERS},
    }
    path.write_text(json.dumps(recipe))
    return path


def states(server: str, what: str) -> Counter[str]:
    found: Counter[str] = Counter()
    while rows := ask(server, f"{what}/filter", limit=200, offset=found.total(), sort="ID_DESC"):
        found.update(row["state_type"] for row in rows)
    return found


def load(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Five runs at a time, and what the server then says of them."""
    raw = corpus(folder)
    own = environment | {"PYTHONPATH": f"{INJECTED}{os.pathsep}{ROOT}", "SECONDS_A_PIECE": str(SECONDS_A_TASK)}
    begun = time.monotonic()
    running = []
    for number in range(AT_A_TIME):
        command = [sys.executable, "-m", "flows.cli", "run", str(recipe_of(folder, raw, number))]
        running.append(
            subprocess.Popen(command, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    said = [(run.communicate(timeout=3000), run.returncode) for run in running]
    seconds = time.monotonic() - begun
    for (_, stderr), code in said:
        assert code == 0, stderr
    address = environment["PREFECT_API_URL"].removesuffix("/api")
    time.sleep(5)  # what a client sends last is written a little later
    flows, tasks = states(address, "flow_runs"), states(address, "task_runs")
    shards = set()
    for number in range(AT_A_TIME):
        home = folder / "out" / f"loaded-{number}"
        release = home / json.loads((home / "latest.json").read_text())["release"]
        shards.add(tuple(path.read_bytes() for path in sorted((release / "shards").iterdir())))
    return {"seconds": seconds, "flows": flows, "tasks": tasks, "shards": len(shards), "full": (folder / "server.log").read_text(errors="replace").count("queue is full")}  # fmt: skip


def check(found: dict[str, Any]) -> None:
    print(found)
    assert found["flows"] == {"COMPLETED": AT_A_TIME}
    assert set(found["tasks"]) == {"COMPLETED"}
    assert found["tasks"]["COMPLETED"] >= AT_A_TIME * 2_000
    assert found["shards"] == 1


@pytest.mark.faults
@pytest.mark.postgres
def test_thousands_of_tasks_and_postgresql(tmp_path: Path) -> None:
    with (
        postgres(tmp_path / "database") as url,
        server(tmp_path, PREFECT_API_DATABASE_CONNECTION_URL=url, **RECORDER) as environment,
    ):
        check(load(tmp_path, environment))


@pytest.mark.faults
def test_thousands_of_tasks_and_the_embedded_database(tmp_path: Path) -> None:
    with server(tmp_path, **RECORDER) as environment:
        check(load(tmp_path, environment))
