"""The same recipe from and to a server that speaks an object store's protocol: the same bytes as on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from curation.training import ShardDataset
from tests.conftest import ROOT, recipe_of, release_of, shard_bytes, texts
from tests.stores import PROTOCOLS, serving


@pytest.mark.server
@pytest.mark.object_store
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_from_and_to_an_object_store(
    protocol: str,
    corpus: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    api: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(protocol, tmp_path_factory.mktemp("store")) as store:
        environment = {**os.environ, **api, **store.environment(), "PYTHONPATH": str(ROOT)}
        for path in sorted(corpus.rglob("*.jsonl")):
            store.put(f"raw/{path.relative_to(corpus)}", path.read_bytes())

        def syllabus(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "flows.cli", *arguments]
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)

        local = syllabus("run", str(recipe_of(tmp_path)))
        assert local.returncode == 0, local.stderr
        sources = [
            {"name": "web", "paths": [store.url("raw/web/*.jsonl")]},
            {"name": "books", "paths": [store.url("raw/books.jsonl")], "columns": {"text": "content"}},
        ]
        remote = syllabus("run", str(recipe_of(tmp_path, sources=sources, output=store.url("out/releases"))))
        assert remote.returncode == 0, remote.stderr
        again = syllabus("run", str(tmp_path / "recipe.yaml"))
        assert "nothing new" in again.stdout
        assert syllabus("verify", store.url("out/releases/tried")).returncode == 0
        wanted = shard_bytes(release_of(tmp_path))
        assert store.shards("out/releases/tried") == wanted

        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        rows = [row for batch in ShardDataset(store.url("out/releases/tried"), batch_size=8) for row in batch]
        assert len(rows) == len(
            [row for batch in ShardDataset(str(release_of(tmp_path)), batch_size=8) for row in batch]
        )

        # A swarm, whose runs read texts that lie in the store; a folder means its files there too.
        sources[0]["paths"] = [store.url("raw/web")]
        proxies = recipe_of(tmp_path, sources=sources, output=store.url("out/proxies"), phases=[{"name": "proxy"}])
        made = syllabus("swarm", str(proxies), "--runs", "2", "--tokens", "9000", "--json")
        assert made.returncode == 0, made.stderr
        swarm = json.loads(made.stdout)["folder"]
        checked = syllabus("verify", swarm)
        assert checked.returncode == 0, checked.stderr
        run = [row for batch in ShardDataset(f"{swarm}/runs/001", batch_size=8) for row in batch]
        assert abs(sum(row["tokens"] for row in run) - 9000) < 500
        assert [row["position"] for row in run] == list(range(len(run)))

        # A second week, looked up in the index that lies in the store too.
        known = json.loads((corpus / "web" / "a.jsonl").read_text().splitlines()[2])["text"]
        rows = [{"text": f"{known} Read again."}, *({"text": text} for text in texts(20, seed=99))]
        stream = recipe_of(tmp_path, sources=sources[:1], output=store.url("out/streams"), dedup={"history": True})
        assert syllabus("run", str(stream)).returncode == 0
        store.put("raw/web/week-2.jsonl", "\n".join(json.dumps(one) for one in rows).encode())
        second = syllabus("run", str(stream), "--json")
        assert second.returncode == 0, second.stderr
        said = syllabus("history", str(stream))
        assert "of 1 releases in 1 runs" in said.stdout
        manifest = json.loads(store.get(f"out/streams/tried/{store.latest('out/streams/tried')}/manifest.json"))
        stage = next(one for one in manifest["funnel"] if one["stage"] == "history")
        assert stage["dropped"]["near_duplicate"] == 1
