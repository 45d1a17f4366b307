"""The promise: the same recipe, inputs and seed give the same bytes, for any number of workers and after a crash."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curation.releases.home import read_manifest
from tests.conftest import ROOT, Command, recipe_of, release_of, shard_bytes, write_jsonl


@pytest.mark.slow
@pytest.mark.server
def test_killed_and_run_again(corpus: Path, tmp_path: Path, api: dict[str, str], syllabus: Command) -> None:
    recipe = recipe_of(tmp_path, engine={"workers": 1, "partition_bytes": "20KB"})
    command = [sys.executable, "-m", "flows.cli", "run", str(recipe)]
    child = subprocess.Popen(
        command, env={**api, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    prepared = tmp_path / "out" / "tried" / ".cache" / "prepared"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(prepared.glob("*/summary.json"))) < 2:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    finished = {path: path.stat().st_mtime_ns for path in prepared.glob("*/summary.json")}
    assert finished
    assert not list(tmp_path.glob("out/tried/*/manifest.json"))
    assert syllabus("run", str(recipe)).returncode == 0
    made = shard_bytes(release_of(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "a finished partition was done again"
    shutil.rmtree(tmp_path / "out")
    assert syllabus("run", str(recipe)).returncode == 0
    assert shard_bytes(release_of(tmp_path)) == made


@pytest.mark.server
def test_latest_is_mended(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = recipe_of(tmp_path)
    assert syllabus("run", str(recipe)).returncode == 0
    release = release_of(tmp_path)
    (tmp_path / "out" / "tried" / "latest.json").unlink()
    assert syllabus("run", str(recipe)).returncode == 0
    assert release_of(tmp_path) == release
    assert len(list(tmp_path.glob("out/tried/*/manifest.json"))) == 1


@pytest.mark.server
def test_a_new_file_makes_a_release_with_a_parent(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    recipe = recipe_of(tmp_path)
    assert syllabus("run", str(recipe)).returncode == 0
    first = release_of(tmp_path)
    prepared = tmp_path / "out" / "tried" / ".cache" / "prepared"
    before = {path: path.stat().st_mtime_ns for path in prepared.glob("*/summary.json")}
    data = (corpus / "books.jsonl").read_text().splitlines()[:40]
    (corpus / "web" / "c.jsonl").write_text(
        "\n".join(line.replace("content", "text").replace("river", "lake") for line in data)
    )
    assert syllabus("run", str(recipe)).returncode == 0
    second = release_of(tmp_path)
    assert second.name > first.name
    assert json.loads((second / "manifest.json").read_text())["parent"] == first.name
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(prepared.glob("*/summary.json"))) == len(before) + 1


@pytest.mark.server
def test_tags_that_need_the_whole_pool(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    fields = {
        "tags": {
            "domain": {"from": "url"},
            "bytes": {"from": "tokens", "unit": "bytes"},
            "level": {"from": "score_buckets", "by": "bytes", "buckets": 4},
        },
        "mixture": {"by": "level"},
        "phases": [{"name": "all", "epochs": 1, "order": {"method": "sort", "by": "level"}}],
    }
    made = []
    for engine in ({"workers": 1}, {"workers": 2, "partition_bytes": "20KB"}):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        done = syllabus("run", str(recipe_of(tmp_path, engine=engine, **fields)))
        assert done.returncode == 0, done.stderr
        made.append(shard_bytes(release_of(tmp_path)))
    assert made[0] == made[1]
    groups = json.loads((release_of(tmp_path) / "manifest.json").read_text())["groups"]["level"]
    assert sorted(groups) == ["1", "2", "3", "4"]
    counts = [group["documents"] for group in groups.values()]
    assert sum(counts) == 360
    assert max(counts) - min(counts) <= 30


@pytest.mark.server
def test_keys_in_ranges_and_pairs_in_blocks_give_the_same_release(
    corpus: Path, tmp_path: Path, syllabus: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = [json.loads(line) for line in (corpus / "web" / "a.jsonl").read_text().splitlines()[:40]]
    write_jsonl(corpus / "web" / "near.jsonl", [{**row, "text": row["text"] + " And that is all."} for row in near])
    dedup = {"exact": ["document", "normalised", "url"], "minhash": {"min_similarity": 0.6}}
    recipe = recipe_of(tmp_path, dedup=dedup, engine={"partition_bytes": "60KB"})
    assert syllabus("run", str(recipe)).returncode == 0
    made, manifest = shard_bytes(release_of(tmp_path)), read_manifest(str(release_of(tmp_path)))
    assert {stage["stage"]: sum(stage["dropped"].values()) for stage in manifest["funnel"]}["minhash"] > 20
    shutil.rmtree(tmp_path / "out")
    monkeypatch.setattr("curation.dedup.clusters.BLOCK_BITS", 6)
    done = syllabus("run", "-q", str(recipe))
    assert (done.returncode, done.stderr) == (0, "")
    assert shard_bytes(release_of(tmp_path)) == made
    assert read_manifest(str(release_of(tmp_path)))["funnel"] == manifest["funnel"]
    assert "keys" in read_manifest(str(release_of(tmp_path)))["timings"]
