"""Object stores that speak S3, Google's and Azure's protocols, on this machine: what runs ask, and what a test sees in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.conftest import ROOT
from tests.serving import answers, free_port, missing, until

# Read when gcsfs is imported: what asks for a bucket's kind over gRPC, which the emulator does not speak.
PLAIN_GOOGLE = {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
os.environ.update(PLAIN_GOOGLE)
PROTOCOLS = ("s3", "gs", "az")
AZURITE = ROOT / ".venv" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The one that every emulator of Azure's storage takes."""
BUCKETS = ("raw", "out")


@dataclass(frozen=True)
class Store:
    """A store with the buckets ``raw`` and ``out``; ``address`` is its HTTP server's."""

    protocol: str
    address: str

    def url(self, path: str) -> str:
        return f"{self.protocol}://{path}"

    def environment(self, address: str | None = None) -> dict[str, str]:
        """What a process finds the store by; ``address``: of a proxy in front of it."""
        address = address or self.address
        if self.protocol == "s3":
            secret = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
            return {**secret, "AWS_ENDPOINT_URL": address}
        if self.protocol == "gs":
            return {**PLAIN_GOOGLE, "STORAGE_EMULATOR_HOST": address, "FSSPEC_GS_TOKEN": "anon"}
        parts = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": "devstoreaccount1",
            "AccountKey": KEY,
            "BlobEndpoint": f"{address}/devstoreaccount1",
        }
        return {"AZURE_STORAGE_CONNECTION_STRING": "".join(f"{name}={value};" for name, value in parts.items())}

    @property
    def files(self) -> Any:
        """The store as fsspec has it, asked itself and not by way of a proxy."""
        how: dict[str, Any]
        if self.protocol == "s3":
            how = {"key": "x", "secret": "x", "endpoint_url": self.address}
        elif self.protocol == "gs":
            how = {"endpoint_url": self.address, "token": "anon"}
        else:
            how = {"connection_string": self.environment()["AZURE_STORAGE_CONNECTION_STRING"]}
        return fsspec.filesystem(self.protocol, use_listings_cache=False, skip_instance_cache=True, **how)

    def put(self, path: str, data: bytes) -> None:
        self.files.pipe_file(path, data)

    def get(self, path: str) -> bytes:
        return bytes(self.files.cat_file(path))

    def latest(self, home: str) -> str | None:
        """The name of the release that a recipe's latest.json points at."""
        path = f"{home}/latest.json"
        return str(json.loads(self.get(path))["release"]) if self.files.exists(path) else None

    def shards(self, home: str) -> dict[str, bytes]:
        folder = f"{home}/{self.latest(home)}/shards"
        return {path.rsplit("/", 1)[1]: self.get(path) for path in self.files.find(folder)}

    def open_uploads(self) -> list[Any]:
        """Uploads in parts that were begun and neither completed nor aborted (the other two have none that lasts)."""
        if self.protocol != "s3":
            return []
        boto3 = pytest.importorskip("boto3")
        client = boto3.client("s3", endpoint_url=self.address, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # fmt: skip
        return list(client.list_multipart_uploads(Bucket="out").get("Uploads", []))


def _command(protocol: str, port: int, folder: Path) -> list[str]:
    if protocol == "s3":
        pytest.importorskip("moto", reason="comes with `make test`")
        return [sys.executable, "-m", "moto.server", "-p", str(port)]
    if protocol == "gs":
        pytest.importorskip("gcp_storage_emulator", reason="comes with `make test`")
        pytest.importorskip("gcsfs", reason="comes with `make test`")
        emulator = shutil.which("gcp-storage-emulator", path=str(Path(sys.executable).parent))
        assert emulator is not None
        return [emulator, "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    pytest.importorskip("adlfs", reason="comes with `make test`")
    if not AZURITE.exists():
        missing("no Azurite here: it comes with `make test-services`, where npm is there")
    where = ["--location", str(folder), "--blobPort", str(port)]
    return [str(AZURITE), *where, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]


@contextmanager
def serving(protocol: str, folder: Path) -> Iterator[Store]:
    """An empty store of a protocol with its two buckets; folder: where an emulator may write."""
    port = free_port()
    command = _command(protocol, port, folder)
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), 60, f"the store for {protocol}:// does not answer")
        store = Store(protocol, f"http://127.0.0.1:{port}")
        for bucket in BUCKETS:
            store.files.mkdir(bucket)
        yield store
    finally:
        server.terminate()
        server.wait()
