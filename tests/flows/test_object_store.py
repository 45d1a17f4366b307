"""The same recipe from and to a real S3-speaking server: the same bytes as on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, recipe_of, release_of, shard_bytes, texts

boto3 = pytest.importorskip("boto3", reason="comes with `make test`")


@pytest.mark.server
@pytest.mark.s3
def test_from_and_to_an_object_store(corpus: Path, tmp_path: Path, api: dict[str, str], s3: str) -> None:
    secret = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    environment = {**api, **secret, "AWS_ENDPOINT_URL": s3, "PYTHONPATH": str(ROOT)}
    client = boto3.client(
        "s3", endpoint_url=s3, aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
    )
    for bucket in ("raw", "out"):
        client.create_bucket(Bucket=bucket)
    for path in sorted(corpus.rglob("*.jsonl")):
        client.upload_file(str(path), "raw", str(path.relative_to(corpus)))

    def syllabus(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)

    local = syllabus("run", str(recipe_of(tmp_path)))
    assert local.returncode == 0, local.stderr
    sources = [
        {"name": "web", "paths": ["s3://raw/web/*.jsonl"]},
        {"name": "books", "paths": ["s3://raw/books.jsonl"], "columns": {"text": "content"}},
    ]
    remote = syllabus("run", str(recipe_of(tmp_path, sources=sources, output="s3://out/releases")))
    assert remote.returncode == 0, remote.stderr
    again = syllabus("run", str(tmp_path / "recipe.yaml"))
    assert "nothing new" in again.stdout
    assert syllabus("verify", "s3://out/releases/tried").returncode == 0
    home = "releases/tried/"
    latest = json.loads(client.get_object(Bucket="out", Key=f"{home}latest.json")["Body"].read())["release"]
    for name, data in shard_bytes(release_of(tmp_path)).items():
        stored = client.get_object(Bucket="out", Key=f"{home}{latest}/shards/{name}")["Body"].read()
        assert stored == data

    # A second week, looked up in the index that lies in the store too.
    known = json.loads((corpus / "web" / "a.jsonl").read_text().splitlines()[2])["text"]
    rows = [{"text": f"{known} Read again."}, *({"text": text} for text in texts(20, seed=99))]
    body = "\n".join(json.dumps(one) for one in rows).encode()
    stream = recipe_of(tmp_path, sources=sources[:1], output="s3://out/streams", dedup={"history": True})
    assert syllabus("run", str(stream)).returncode == 0
    client.put_object(Bucket="raw", Key="web/week-2.jsonl", Body=body)
    second = syllabus("run", str(stream), "--json")
    assert second.returncode == 0, second.stderr
    said = syllabus("history", str(stream))
    assert "of 1 releases in 1 runs" in said.stdout
    release = json.loads(client.get_object(Bucket="out", Key="streams/tried/latest.json")["Body"].read())["release"]
    manifest = json.loads(client.get_object(Bucket="out", Key=f"streams/tried/{release}/manifest.json")["Body"].read())
    stage = next(one for one in manifest["funnel"] if one["stage"] == "history")
    assert stage["dropped"]["near_duplicate"] == 1
