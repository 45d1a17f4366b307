"""Inputs, cache and output in an object store that fails: runs go on, or end and are run again, and come to the undisturbed bytes;
what is there in between is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, texts
from tests.faults.faulty_proxy import failing
from tests.stores import PROTOCOLS, Store, serving

pytestmark = [pytest.mark.server, pytest.mark.object_store]
RATES = {"s3": 0.03, "gs": 0.03, "az": 0.003}
"""The share of requests that fail. Azure's client waits 15 s before it asks a second time."""
AGAIN = 6
"""Runs until one gets through; each goes on where the one before has stopped."""


class Stored:
    """A corpus in a store, and what its recipe comes to undisturbed."""

    def __init__(self, folder: Path, store: Store, api: dict[str, str]):
        self.folder, self.store, self.api = folder, store, api
        for number in range(3):
            rows = [
                {"text": text, "url": f"https://site-{i}.example/{i}"} for i, text in enumerate(texts(24, seed=number))
            ]
            lines = [json.dumps(row) for row in [*rows, rows[0], {"text": 5}]]
            store.put(f"raw/{number}.jsonl", "\n".join(lines).encode())
        self.recipe = {
            "name": "tried",
            "sources": [{"name": "web", "paths": [store.url("raw/*.jsonl")]}],
            "dedup": {"minhash": {}},
            "tags": {"site": {"from": "url", "part": "short"}},
            "phases": [
                {"name": "conditioned", "share": 0.8, "conditioning": {"template": "URL: {site}\n\n"}},
                {"name": "cooldown", "share": 0.2},
            ],
            "shards": {"max_bytes": "16KB"},
            "engine": {"partition_bytes": "20KB"},
        }
        assert self.run("undisturbed", store.address).returncode == 0
        self.wanted = self.shards("undisturbed")
        assert self.wanted

    def syllabus(self, *arguments: str, address: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.api, **self.store.environment(address), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "flows.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)

    def run(self, name: str, address: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(self.recipe | {"output": self.store.url(f"out/{name}")}))
        return self.syllabus("run", "-q", str(path), address=address)

    def shards(self, name: str) -> dict[str, bytes]:
        return self.store.shards(f"out/{name}/tried")

    def sound(self, name: str) -> None:
        """Who follows ``latest.json`` finds a whole release."""
        if self.store.latest(f"out/{name}/tried") is not None:
            done = self.syllabus("verify", self.store.url(f"out/{name}/tried"), address=self.store.address)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, api: dict[str, str]
) -> Iterator[Stored]:
    with serving(request.param, tmp_path_factory.mktemp("store")) as store:
        yield Stored(tmp_path_factory.mktemp("stored"), store, api)


def through(stored: Stored, seed: int, rate: float) -> None:
    name = f"failing-{seed}"
    with failing(stored.store.address, seed=seed, rate=rate) as (address, made):
        for _ in range(AGAIN):
            done = stored.run(name, address)
            stored.sound(name)
            if done.returncode == 0:
                break
            assert done.returncode == 1, done.stderr
            assert done.stderr.startswith("error: "), done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
            assert "fault of Syllabus" not in done.stderr, Path(done.stderr.split(" in ")[1].split(",")[0]).read_text()
    assert done.returncode == 0, done.stderr
    assert sum(made.values()) > 10
    assert stored.shards(name) == stored.wanted
    assert stored.store.open_uploads() == []


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["s3"], indirect=True)
def test_a_schedule(stored: Stored) -> None:
    through(stored, 1, RATES["s3"])


@pytest.mark.faults
@pytest.mark.parametrize("stored", PROTOCOLS, indirect=True)
@pytest.mark.parametrize("first", range(100, 200, 10))
def test_a_hundred_schedules(stored: Stored, first: int) -> None:
    for seed in range(first, first + 10):
        through(stored, seed, RATES[stored.store.protocol] * [1 / 3, 1, 3][seed % 3])
