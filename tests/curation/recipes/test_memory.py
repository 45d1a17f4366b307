"""What an engine's memory comes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.recipes.memory import BATCH_BYTES, COPIES, PROCESS_BYTES, TASK_BYTES, bounds
from schemas.engine import Engine
from schemas.errors import RecipeError
from tests.conftest import Command, release_of, texts, write_jsonl

MB = 1_000_000


@given(st.integers(1, 100_000), st.integers(1, 64), st.sampled_from(["threads", "processes", "dask", "ray"]))
def test_what_is_held_at_once_fits(megabytes: int, workers: int, kind: str) -> None:
    engine = Engine.model_validate({"kind": kind, "workers": workers, "memory": megabytes * MB})
    if megabytes < (750 if kind == "threads" else 1350):
        with pytest.raises(RecipeError, match=r"engine\.memory"):
            bounds(engine)
        return
    found = bounds(engine)
    processes = 1 if kind == "threads" else 1 + found.workers
    task = max(TASK_BYTES, COPIES * found.batch_bytes)
    assert processes * PROCESS_BYTES + found.workers * task <= megabytes * MB
    assert 1 <= found.workers <= workers
    assert found.partition_bytes <= engine.partition_bytes


def test_without_it_nothing_is_bounded() -> None:
    found = bounds(Engine(workers=7))
    assert (found.workers, found.batch_bytes, found.partition_bytes) == (7, BATCH_BYTES, Engine().partition_bytes)


def test_a_cluster_bounds_each_worker() -> None:
    found = bounds(Engine(kind="dask", address="tcp://host:1", workers=9, memory=800 * MB))
    assert (found.workers, found.partition_bytes) == (9, 200 * MB)


def test_a_run_with_little_memory_gives_the_same_shards(tmp_path: Path, syllabus: Command) -> None:
    write_jsonl(tmp_path / "raw.jsonl", [{"text": text} for text in texts(300, seed=3)])
    recipe = "output: out\nsources: [{name: a, paths: [raw.jsonl]}]\ndedup: {minhash: {}}\nname: "
    (tmp_path / "a.yaml").write_text(recipe + "a")
    (tmp_path / "b.yaml").write_text(recipe + "b\nengine: {memory: 750MB}")
    (tmp_path / "c.yaml").write_text(recipe + "c\nengine: {memory: 1000000}")
    assert syllabus("run", "a.yaml").returncode == 0
    assert syllabus("run", "b.yaml").returncode == 0
    refused = syllabus("run", "c.yaml")
    assert refused.returncode == 2
    assert (
        "engine.memory: 1,000,000 bytes are too few for one task of kind: threads; give at least 750MB"
        in refused.stderr
    )
    one, other = (sorted((release_of(tmp_path, name) / "shards").iterdir()) for name in ("a", "b"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
