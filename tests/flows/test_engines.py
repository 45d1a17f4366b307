"""The promise: the same bytes for any engine and number of workers, with a worker killed, and on a cluster elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows import embedded_api
from flows.engines import task_runner
from schemas.engine import Engine
from schemas.errors import RecipeError
from tests.conftest import ROOT, Command, recipe_of, release_of, shard_bytes

Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def started(api: dict[str, str], tmp_path: Path) -> Iterator[Started]:
    """Starts Python modules as other machines would have them: another working directory, no Prefect API of their own."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    children: list[subprocess.Popen[str]] = []

    def start(*arguments: str, cwd: Path = elsewhere, **environment: str) -> subprocess.Popen[str]:
        own = {key: value for key, value in api.items() if not key.startswith("PREFECT")}
        child = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=cwd,
            env={**own, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(elsewhere), "COLUMNS": "200", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if environment else subprocess.DEVNULL,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        if child.poll() is None:
            child.terminate()
            child.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _workers(child: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that run tasks for a command: of Prefect's pool, of Dask's nannies, of Ray."""
    found = []
    for process in psutil.Process(child.pid).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if "spawn_main" in line or line.startswith("ray::piece"):
            found.append(process)
    return found


def _killing_a_worker(child: subprocess.Popen[str], tmp_path: Path) -> str:
    """What a command says on standard error, one of whose workers is killed once the first partitions are prepared."""
    deadline = time.monotonic() + 120
    killed = False
    while not killed and child.poll() is None and time.monotonic() < deadline:
        if list(tmp_path.glob("out/tried/.cache/prepared/*/summary.json")):
            for process in _workers(child)[:1]:
                process.kill()
                killed = True
        time.sleep(0.02)
    assert killed, child.communicate()
    return child.communicate(timeout=120)[1]


MADE: dict[str, bytes] = {}


@pytest.fixture
def wanted(corpus: Path, tmp_path: Path, syllabus: Command) -> dict[str, bytes]:
    """The shards as one thread makes them, wherever the corpus lies: made once."""
    if not MADE:
        done = syllabus("run", str(recipe_of(tmp_path, engine={"workers": 1})))
        assert done.returncode == 0, done.stderr
        MADE.update(shard_bytes(release_of(tmp_path)))
        shutil.rmtree(tmp_path / "out")
    return MADE


def again(folder: Path, engine: dict[str, Any]) -> str:
    """The recipe with this engine and partitions of another size, and no output."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    return str(recipe_of(folder, engine={"workers": 2, "partition_bytes": "40KB", **engine}))


@pytest.mark.server
def test_workers_and_partitions_do_not_matter(tmp_path: Path, syllabus: Command, wanted: dict[str, bytes]) -> None:
    done = syllabus("run", "-q", again(tmp_path, {"workers": 3, "partition_bytes": "20KB"}))
    assert (done.returncode, done.stderr) == (0, "")
    assert shard_bytes(release_of(tmp_path)) == wanted


@pytest.mark.server
@pytest.mark.parametrize(
    "kind", [pytest.param("dask", marks=pytest.mark.dask), pytest.param("ray", marks=pytest.mark.ray)]
)
def test_clusters_do_not_matter_and_a_killed_worker_neither(
    tmp_path: Path, api: dict[str, str], started: Started, wanted: dict[str, bytes], kind: str
) -> None:
    own = {key: value for key, value in api.items() if key.startswith("PREFECT")}
    child = started("flows.cli", "run", "-q", again(tmp_path, {"kind": kind}), cwd=tmp_path, **own)
    assert (_killing_a_worker(child, tmp_path), child.returncode) == ("", 0)
    assert shard_bytes(release_of(tmp_path)) == wanted


@pytest.mark.slow
@pytest.mark.server
def test_a_killed_process_ends_the_run_and_a_rerun_goes_on(
    tmp_path: Path, api: dict[str, str], syllabus: Command, started: Started, wanted: dict[str, bytes]
) -> None:
    own = {key: value for key, value in api.items() if key.startswith("PREFECT")}
    recipe = again(tmp_path, {"kind": "processes"})
    child = started("flows.cli", "run", "-q", recipe, cwd=tmp_path, **own)
    said = _killing_a_worker(child, tmp_path)
    assert child.returncode == 1
    assert said.startswith("error: engine: a worker ended in the middle of its task")
    assert said.count("\n") == 1
    done = syllabus("run", "-q", recipe, "--set", "engine.kind=threads")  # what is done is done, whatever the engine
    assert (done.returncode, done.stderr) == (0, "")
    assert shard_bytes(release_of(tmp_path)) == wanted


@pytest.mark.server
@pytest.mark.dask
def test_a_cluster_elsewhere_whose_worker_joins_late(
    tmp_path: Path, syllabus: Command, started: Started, wanted: dict[str, bytes]
) -> None:
    address = f"tcp://127.0.0.1:{_free_port()}"
    started("distributed.cli.dask_scheduler", "--host", address, "--no-dashboard")
    worker = ["distributed.cli.dask_worker", address, "--nthreads", "2", "--no-dashboard", "--no-nanny"]
    recipe = recipe_of(tmp_path, engine={"kind": "dask", "address": address}, output="out")
    recipe.write_text(recipe.read_text().replace(str(tmp_path) + "/", ""))
    own = {"PREFECT_API_URL": os.environ["PREFECT_API_URL"]}
    child = started("flows.cli", "run", "-q", recipe.name, cwd=tmp_path, **own)
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / "tried" / ".cache").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    started(*worker)
    _, said = child.communicate(timeout=120)
    assert (child.returncode, said) == (0, "")
    assert shard_bytes(release_of(tmp_path)) == wanted
    assert not [path for path in (tmp_path / "elsewhere").rglob("*") if path.suffix in (".parquet", ".json")]


@pytest.mark.server
@pytest.mark.dask
def test_a_killed_scheduler_ends_the_run_and_a_rerun_goes_on(
    tmp_path: Path, syllabus: Command, started: Started, wanted: dict[str, bytes]
) -> None:
    address = f"tcp://127.0.0.1:{_free_port()}"
    scheduler = started("distributed.cli.dask_scheduler", "--host", address, "--no-dashboard")
    started("distributed.cli.dask_worker", address, "--nthreads", "2", "--no-dashboard", "--no-nanny")
    recipe = again(tmp_path, {"kind": "dask", "address": address})
    child = started("flows.cli", "run", "-q", recipe, PREFECT_API_URL=os.environ["PREFECT_API_URL"])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/tried/.cache/prepared/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    scheduler.kill()
    _, said = child.communicate(timeout=120)
    assert child.returncode == 1
    assert said.startswith("error: engine: the Dask scheduler ended, or is not reached any more")
    assert said.count("\n") == 1
    done = syllabus("run", "-q", recipe, "--set", "engine={workers: 2, partition_bytes: 40KB}")
    assert (done.returncode, done.stderr) == (0, "")
    assert shard_bytes(release_of(tmp_path)) == wanted


@pytest.fixture
def ray_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Starts nodes of a Ray cluster. Its sockets' paths must be short, and it does not end by SIGTERM alone."""
    folder = tempfile.mkdtemp(prefix="ray-")
    nodes: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> None:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        head = [f"--temp-dir={folder}"] if "--head" in options else []
        nodes.append(
            subprocess.Popen(
                [*command, *head, "--object-store-memory=100000000", *options],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    yield start
    for node in nodes:
        left = [node.pid, *(child.pid for child in psutil.Process(node.pid).children(recursive=True))]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        node.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.server
@pytest.mark.ray
def test_a_ray_cluster_elsewhere_whose_worker_joins_late(
    tmp_path: Path, started: Started, wanted: dict[str, bytes], ray_node: Callable[..., None]
) -> None:
    port = _free_port()
    ray_node("--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false")
    recipe = recipe_of(tmp_path, engine={"kind": "ray", "address": f"127.0.0.1:{port}"}, output="out")
    recipe.write_text(recipe.read_text().replace(str(tmp_path) + "/", ""))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.2)
    child = started("flows.cli", "run", "-q", recipe.name, cwd=tmp_path, PREFECT_API_URL=os.environ["PREFECT_API_URL"])
    while not (tmp_path / "out" / "tried" / ".cache" / "work").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    assert child.poll() is None  # nobody is there to work
    assert not list((tmp_path / "out" / "tried" / ".cache" / "prepared").glob("*/summary.json"))
    ray_node(f"--address=127.0.0.1:{port}", "--num-cpus=2")
    _, said = child.communicate(timeout=180)
    assert child.returncode == 0, said
    assert said == ""
    assert shard_bytes(release_of(tmp_path)) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "package"), [("dask", "Dask scheduler"), ("ray", "Ray cluster")])
def test_an_address_that_does_not_answer_is_named(kind: Any, package: str) -> None:
    pytest.importorskip(f"prefect_{kind}")
    began = time.monotonic()
    with pytest.raises(RecipeError, match=rf"^engine\.address: no {package} answers at '127\.0\.0\.1:1' .*start one"):
        task_runner(Engine(kind=kind, address="127.0.0.1:1"))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("kind", ["dask", "ray"])
def test_an_engine_that_is_not_installed_is_named(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RecipeError, match=rf"^engine\.kind: {kind} needs .*pip install 'syllabus\[{kind}\]'"):
        task_runner(Engine(kind=kind))


@pytest.mark.slow
@pytest.mark.server
def test_the_embedded_api_that_a_cluster_reaches_asks_for_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(embedded_api, "_host_for", lambda _: "127.0.0.2")
    with embedded_api.embedded_api("tcp://cluster.example:8786") as url:
        assert url.startswith("http://127.0.0.2:")
        assert os.environ["PREFECT_API_AUTH_STRING"].startswith("syllabus:")
        asked = urllib.request.Request(f"{url}/flows/count", data=b"{}", headers={"content-type": "application/json"})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asked, timeout=10)
    assert "PREFECT_API_AUTH_STRING" not in os.environ
