"""Credentials of an object store from a block that the server keeps: the run has them, and nothing that Prefect or we write down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from curation import storage
from flows.storage_credentials import KEY_FILE, StorageCredentials, in_the_environment
from tests.conftest import ROOT, texts
from tests.faults.test_secrets import SECRET, holding
from tests.serving import ask, free_port, runs, serving, until
from tests.stores import serving as serving_store

VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", KEY_FILE)


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_they_are_in_the_environment_for_as_long_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "before")
    given = StorageCredentials(
        aws_access_key_id="id",  # type: ignore[arg-type]
        aws_secret_access_key=SECRET,  # type: ignore[arg-type]
        aws_endpoint_url="",
        google_service_account='{"type": "service_account"}',  # type: ignore[arg-type]
    )
    with in_the_environment(given):
        assert os.environ["AWS_ACCESS_KEY_ID"] == "id"
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == SECRET
        assert "AWS_ENDPOINT_URL" not in os.environ
        key = Path(os.environ[KEY_FILE])
        assert json.loads(key.read_text()) == {"type": "service_account"}
        assert key.parent.stat().st_mode & 0o077 == 0
    assert not key.exists()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "before"
    assert not {"AWS_SECRET_ACCESS_KEY", KEY_FILE} & set(os.environ)
    assert SECRET not in repr(given)


def test_a_store_is_asked_with_those_that_hold_now() -> None:
    pytest.importorskip("s3fs")

    def endpoint() -> object:
        return storage.resolve("s3://bucket/a")[0]

    before = endpoint()
    assert endpoint() is before
    with in_the_environment(StorageCredentials(aws_endpoint_url="http://127.0.0.1:1")):
        assert endpoint() is not before


@pytest.mark.server
@pytest.mark.object_store
def test_a_run_that_a_form_starts(tmp_path: Path) -> None:
    pytest.importorskip("moto")
    (tmp_path / "prefect.yaml").write_text("deployments: [{name: curate, entrypoint: 'flows/curate.py:curate'}]")
    (tmp_path / "store").mkdir()
    with serving_store("s3", tmp_path / "store") as store:
        rows = [{"text": text} for text in texts(30, seed=3)]
        store.put("raw/a.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
        recipe = {
            "name": "tried",
            "output": store.url("out"),
            "sources": [{"name": "web", "paths": [store.url("raw/*.jsonl")]}],
        }
        with serving(tmp_path, free_port(), "--prefect-file", "prefect.yaml") as server:
            made = f"StorageCredentials(aws_access_key_id='mine', aws_secret_access_key={SECRET!r}, aws_default_region='eu-central-1',"
            made += f"aws_endpoint_url={store.address!r}).save('ours')"
            script = f"from flows.storage_credentials import StorageCredentials; print({made})"
            own = {**os.environ, "PREFECT_API_URL": f"{server}/api", "PYTHONPATH": str(ROOT)}
            done = subprocess.run([sys.executable, "-c", script], env=own, capture_output=True, text=True, check=True)
            (found,) = ask(server, "deployments/filter", deployments={"name": {"any_": ["curate"]}})
            credentials = {"$ref": {"block_document_id": done.stdout.strip()}}
            ask(
                server,
                f"deployments/{found['id']}/create_flow_run",
                parameters={"recipe": recipe, "credentials": credentials},
            )
            until(
                lambda: runs(server) and runs(server)[0]["state_type"] in ("COMPLETED", "FAILED", "CRASHED"),
                180,
                "it runs",
            )
            run = runs(server)[0]
            assert run["state_type"] == "COMPLETED", run["state"]["message"]
            assert run["parameters"]["credentials"] == credentials
        assert store.shards("out/tried")
    assert holding(tmp_path, SECRET) == []
