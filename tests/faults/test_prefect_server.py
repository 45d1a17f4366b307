"""The Prefect server ends in the middle of a run, and a process of a served run is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, recipe_of, release_of, shard_bytes
from tests.serving import ask, free_port, runs, serving, until

pytestmark = [pytest.mark.server]


class Server:
    """A Prefect server of its own, which can be killed and come back with what it knew."""

    def __init__(self, folder: Path):
        self.port = free_port()
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        self.environment = plain | {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": str(ROOT),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui", "--port", str(self.port)]
        sink = subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=self.environment, stdout=sink, stderr=sink, start_new_session=True)
        until(self.answers, 120, "the server does not answer")

    def answers(self) -> bool:
        try:
            return isinstance(ask(self.url, "flow_runs/count"), int)
        except OSError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.mark.slow
def test_a_server_that_is_restarted_ends_no_run(corpus: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, engine={"partition_bytes": "8KB", "workers": 2})
    server = Server(tmp_path)
    server.start()
    try:
        own = server.environment | {"PREFECT_API_URL": f"{server.url}/api"}
        command = [sys.executable, "-m", "flows.cli", "run", str(recipe)]
        child = subprocess.Popen(
            command, cwd=tmp_path, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        prepared = tmp_path / "out" / "tried" / ".cache" / "prepared"
        until(lambda: len(list(prepared.glob("*"))) > 3, 120, "nothing is prepared")
        server.kill()
        time.sleep(5)
        server.start()
        _, said = child.communicate(timeout=200)
        assert child.returncode == 0, said
        found = shard_bytes(release_of(tmp_path))
        (run,) = runs(server.url)
        assert run["state_type"] == "COMPLETED"
        again = subprocess.run(
            [*command, "--set", "name=undisturbed"], cwd=tmp_path, env=own, check=True, capture_output=True
        )
        assert again.returncode == 0
        assert found == shard_bytes(release_of(tmp_path, "undisturbed"))
    finally:
        server.kill()


@pytest.mark.faults
def test_a_served_run_whose_process_is_killed_is_said_to_have_crashed_within_a_minute(
    corpus: Path, tmp_path: Path
) -> None:
    """And the next run of the recipe goes on where it stopped."""
    recipe: Any = recipe_of(tmp_path, engine={"partition_bytes": "4KB", "workers": 1})
    with serving(tmp_path, free_port(), str(recipe)) as url:
        deployment = next(one for one in ask(url, "deployments/filter") if one["name"] == "recipe")
        ask(url, f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
        prepared = tmp_path / "out" / "tried" / ".cache" / "prepared"
        until(lambda: len(list(prepared.glob("*"))) > 3, 120, "the run does not begin")
        (pid,) = _processes_of_runs(tmp_path)
        os.kill(pid, signal.SIGKILL)
        until(lambda: runs(url)[0]["state_type"] == "CRASHED", 60, "the run is not said to have crashed")
        ask(url, f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
        until(lambda: [run["state_type"] for run in runs(url)].count("COMPLETED") == 1, 120, "no run comes to its end")
    assert shard_bytes(release_of(tmp_path))


@pytest.mark.faults
def test_a_run_that_is_cancelled_in_the_ui_ends_and_the_next_goes_on(corpus: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, engine={"partition_bytes": "4KB", "workers": 1})
    with serving(tmp_path, free_port(), str(recipe)) as url:
        deployment = next(one for one in ask(url, "deployments/filter") if one["name"] == "recipe")
        made = ask(url, f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
        prepared = tmp_path / "out" / "tried" / ".cache" / "prepared"
        until(lambda: len(list(prepared.glob("*"))) > 3, 120, "the run does not begin")
        ask(url, f"flow_runs/{made['id']}/set_state", state={"type": "CANCELLING"})  # what the button does
        until(lambda: runs(url)[0]["state_type"] == "CANCELLED", 60, "the run is not cancelled")
        assert _processes_of_runs(tmp_path) == []
        assert not (tmp_path / "out" / "tried" / "latest.json").exists()
        done = len(list(prepared.glob("*/summary.json")))
        assert done > 0
        ask(url, f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
        until(lambda: [run["state_type"] for run in runs(url)].count("COMPLETED") == 1, 120, "no run comes to its end")
    assert shard_bytes(release_of(tmp_path))


def _processes_of_runs(folder: Path) -> list[int]:
    """The processes that a served run has, by their environment."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                words = (place / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            named = any(word.startswith(b"PREFECT__FLOW_RUN_ID=") for word in words)
            if named and f"PREFECT_HOME={folder / 'prefect'}".encode() in words:
                found.append(int(place.name))
    return found
