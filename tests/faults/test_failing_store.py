"""Inputs, cache and output in an object store that fails: runs go on, or end and are run again, and come to the undisturbed bytes;
what is there in between is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, texts, write_jsonl
from tests.faults.faulty_proxy import failing

boto3 = pytest.importorskip("boto3", reason="comes with `make test`")
pytestmark = [pytest.mark.server, pytest.mark.s3]
SECRET = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
AGAIN = 6
"""Runs until one gets through; each goes on where the one before has stopped."""


class Store:
    """A corpus in a store, and what its recipe comes to undisturbed."""

    def __init__(self, folder: Path, address: str, api: dict[str, str]):
        self.folder, self.address, self.api = folder, address, api
        self.client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # fmt: skip
        for bucket in ("raw", "out"):
            self.client.create_bucket(Bucket=bucket)
        for number in range(3):
            rows = [
                {"text": text, "url": f"https://site-{i}.example/{i}"} for i, text in enumerate(texts(60, seed=number))
            ]
            write_jsonl(folder / f"{number}.jsonl", [*rows, rows[0], {"text": 5}])
            self.client.upload_file(str(folder / f"{number}.jsonl"), "raw", f"{number}.jsonl")
        recipe = {
            "name": "tried",
            "sources": [{"name": "web", "paths": ["s3://raw/*.jsonl"]}],
            "dedup": {"minhash": {}},
            "tags": {"site": {"from": "url", "part": "short"}},
            "phases": [
                {"name": "conditioned", "share": 0.8, "conditioning": {"template": "URL: {site}\n\n"}},
                {"name": "cooldown", "share": 0.2},
            ],
            "shards": {"max_bytes": "16KB"},
            "engine": {"partition_bytes": "20KB"},
        }
        self.recipe = recipe
        assert self.run("undisturbed", self.address).returncode == 0
        self.wanted = self.shards("undisturbed")
        assert self.wanted

    def run(self, name: str, address: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(self.recipe | {"output": f"s3://out/{name}"}))
        environment = {**os.environ, **self.api, **SECRET, "AWS_ENDPOINT_URL": address, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "flows.cli", "run", str(path)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)

    def objects(self, prefix: str) -> dict[str, bytes]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="out", Prefix=prefix)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return {key: self.client.get_object(Bucket="out", Key=key)["Body"].read() for key in keys}

    def latest(self, name: str) -> str | None:
        found = self.objects(f"{name}/{self.recipe['name']}/latest.json")
        return json.loads(next(iter(found.values())))["release"] if found else None

    def shards(self, name: str) -> dict[str, bytes]:
        folder = f"{name}/{self.recipe['name']}/{self.latest(name)}/shards/"
        return {key.removeprefix(folder): data for key, data in self.objects(folder).items()}

    def sound(self, name: str) -> None:
        """Who follows ``latest.json`` finds a whole release."""
        if self.latest(name) is not None:
            environment = {
                **os.environ,
                **self.api,
                **SECRET,
                "AWS_ENDPOINT_URL": self.address,
                "PYTHONPATH": str(ROOT),
            }
            command = [sys.executable, "-m", "flows.cli", "verify", f"s3://out/{name}/{self.recipe['name']}"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, api: dict[str, str], s3: str) -> Store:
    return Store(tmp_path_factory.mktemp("store"), s3, api)


def through(store: Store, seed: int, rate: float) -> None:
    name = f"failing-{seed}"
    with failing(store.address, seed=seed, rate=rate) as (address, made):
        for _ in range(AGAIN):
            done = store.run(name, address)
            store.sound(name)
            if done.returncode == 0:
                break
            assert done.returncode == 1, done.stderr
            assert done.stderr.startswith("error: "), done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
            assert "fault of Syllabus" not in done.stderr, Path(done.stderr.split(" in ")[1].split(",")[0]).read_text()
    assert done.returncode == 0, done.stderr
    assert sum(made.values()) > 10
    assert store.shards(name) == store.wanted
    assert store.client.list_multipart_uploads(Bucket="out").get("Uploads", []) == []


@pytest.mark.slow
def test_a_schedule(store: Store) -> None:
    through(store, 1, 0.03)


@pytest.mark.faults
@pytest.mark.parametrize("first", range(100, 200, 10))
def test_a_hundred_schedules(store: Store, first: int) -> None:
    for seed in range(first, first + 10):
        through(store, seed, [0.01, 0.03, 0.1][seed % 3])
