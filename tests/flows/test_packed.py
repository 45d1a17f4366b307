"""A release of packed sequences: every document's tokens in order, for any number of workers, and as the loader reads it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curation.loader import ShardDataset
from curation.verify import verify
from tests.conftest import Command, recipe_of, release_of, shard_bytes

tokenizers = pytest.importorskip("tokenizers")
LENGTH = 64


def tokenizer_of(folder: Path) -> str:
    """A tokenizer with a token for each byte-level character."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=None))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(["the river and the stone"], trainer)
    made.save(str(folder / "tokenizer.json"))
    return str(folder / "tokenizer.json")


@pytest.mark.server
def test_packed_release(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    path = tokenizer_of(tmp_path)
    plain = {"max_bytes": "64KB", "tokenizer": path}
    assert syllabus("run", str(recipe_of(tmp_path, shards=plain))).returncode == 0
    rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet").sort("position")
    wanted: dict[tuple[str, str], list[int]] = dict(
        zip(zip(rows["phase"], rows["id"], strict=True), rows["input_ids"].to_list(), strict=True)
    )
    made: dict[str, bytes] = {}
    for workers in (2, 1):
        shutil.rmtree(tmp_path / "out")
        recipe = recipe_of(tmp_path, shards={**plain, "sequence_length": LENGTH}, engine={"workers": workers})
        done = syllabus("run", str(recipe))
        assert done.returncode == 0, done.stderr
        made = made or shard_bytes(release_of(tmp_path))
        assert shard_bytes(release_of(tmp_path)) == made
    release = release_of(tmp_path)
    assert verify(str(release)) == []
    packed = pl.read_parquet(release / "shards" / "*.parquet").sort("position")
    assert packed["position"].to_list() == list(range(len(packed)))
    found: dict[tuple[str, str], list[int]] = {}
    for row in packed.iter_rows(named=True):
        assert len(row["input_ids"]) == len(row["loss_mask"]) == LENGTH
        for name, span in zip(row["doc_ids"], row["doc_spans"], strict=True):
            found.setdefault((row["phase"], name), []).extend(row["input_ids"][span["start"] : span["end"]])
    assert found == wanted
    assert list(found) == list(wanted)
    manifest = json.loads((release / "manifest.json").read_text())
    realised = [sum(a["documents"] for a in phase["realised"].values()) for phase in manifest["phases"]]
    assert sum(realised) == len(rows)
    batch = next(iter(ShardDataset(str(release), batch_size=4)))
    np.testing.assert_array_equal(np.asarray(batch["input_ids"]), np.array(packed["input_ids"].to_list()[:4]))
    assert syllabus("explain", str(release), rows["id"][0]).returncode == 0
    assert syllabus("report", str(release)).returncode == 0
