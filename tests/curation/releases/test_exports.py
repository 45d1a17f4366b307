"""Exports: what each trainer's own reader gives is what the shards hold, in order."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from curation.releases.exports import FORMATS, export
from schemas.errors import RecipeError
from tests.conftest import Command, recipe_of, release_of
from tests.every_stage import tokenizer_of

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]
ROOT = Path(__file__).parents[3]
STREAMING = ROOT / ".venv" / "streaming"
LENGTH = 64


@pytest.fixture
def made(corpus: Path, syllabus: Command, tmp_path: Path) -> Callable[..., str]:
    """Makes a release with tokens: of documents, or packed."""

    def make(packed: bool, **shards: Any) -> str:
        given: dict[str, Any] = {"tokenizer": tokenizer_of(tmp_path), "max_bytes": "64KB", **shards}
        if packed:
            given |= {"sequence_length": LENGTH, "loss_weights": {"kinds": {"content": 0.5}}}
        done = syllabus("run", str(recipe_of(tmp_path, shards=given)))
        assert done.returncode == 0, done.stderr
        return str(release_of(tmp_path))

    return make


def rows_of(release: str) -> pl.DataFrame:
    return pl.read_parquet(f"{release}/shards/*.parquet").sort("position")


@pytest.mark.parametrize("packed", [False, True])
def test_numpy(made: Callable[..., str], tmp_path: Path, packed: bool) -> None:
    release = made(packed)
    rows = rows_of(release)
    out = tmp_path / "npy"
    assert export(release, "npy", str(out)).rows == len(rows)
    ids, mask = (np.load(out / f"{name}.npy", mmap_mode="r") for name in ("input_ids", "loss_mask"))
    if packed:
        assert ids.shape == mask.shape == (len(rows), LENGTH)
        assert ids.tolist() == rows["input_ids"].to_list()
        assert np.load(out / "loss_weights.npy").tolist() == rows["loss_weights"].to_list()
    else:
        offsets = np.load(out / "offsets.npy")
        assert [ids[a:b].tolist() for a, b in itertools.pairwise(offsets)] == rows["input_ids"].to_list()
        assert mask.sum() == sum(map(sum, rows["loss_mask"]))
    assert json.loads((out / "index.json").read_text())["rows"] == len(rows)


@pytest.mark.parametrize("packed", [False, True])
def test_webdataset(made: Callable[..., str], tmp_path: Path, packed: bool) -> None:
    import webdataset

    release = made(packed)
    rows = rows_of(release)
    out = tmp_path / "100% web"
    export(release, "webdataset", str(out))
    urls = [f"file:{path}" for path in sorted(out.iterdir())]
    read = list(webdataset.WebDataset(urls, shardshuffle=False).decode())
    assert [int(sample["__key__"]) for sample in read] == list(range(len(rows)))
    assert [sample["input_ids.npy"].tolist() for sample in read] == rows["input_ids"].to_list()
    assert [sample["json"]["phase"] for sample in read] == rows["phase"].to_list()
    if not packed:
        assert [sample["txt"] for sample in read] == rows["text"].to_list()
        assert [sample["json"]["segments"] for sample in read] == rows["segments"].to_list()
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    export(release, "webdataset", str(tmp_path / "again"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == before


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("streaming", [False, True])
def test_hub(
    made: Callable[..., str], tmp_path: Path, packed: bool, streaming: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    release = made(packed)
    rows = rows_of(release)
    export(release, "hf", str(tmp_path / "hub"))
    read = datasets.load_dataset(
        str(tmp_path / "hub"), split="train", streaming=streaming, cache_dir=str(tmp_path / "cache")
    )
    found = list(read)
    assert [row["position"] for row in found] == list(range(len(rows)))
    assert [row["input_ids"] for row in found] == rows["input_ids"].to_list()
    assert list(found[0]) == rows.columns


@pytest.mark.torch
@pytest.mark.parametrize("packed", [False, True])
def test_megatron(made: Callable[..., str], tmp_path: Path, packed: bool) -> None:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    release = made(packed)
    rows = rows_of(release)
    export(release, "megatron", str(tmp_path / "m"))
    names = {"rows": "input_ids", "rows_loss_mask": "loss_mask"} | (
        {"rows_loss_weights": "loss_weights"} if packed else {}
    )
    for name, column in names.items():
        read = IndexedDataset(str(tmp_path / "m" / name), mmap=True)
        assert len(read) == len(rows)
        assert [read[number].tolist() for number in range(len(read))] == rows[column].to_list()
        assert read.document_indices.tolist() == list(range(len(rows) + 1))
    assert IndexedDataset(str(tmp_path / "m" / "rows")).index.dtype == np.uint16


@pytest.mark.torch
@pytest.mark.parametrize("packed", [False, True])
def test_litdata(made: Callable[..., str], tmp_path: Path, packed: bool) -> None:
    from litdata import StreamingDataset

    release = made(packed)
    rows = rows_of(release)
    export(release, "litdata", str(tmp_path / "l"))
    read = StreamingDataset(str(tmp_path / "l"), shuffle=False)
    found = [read[number] for number in range(len(read))]
    assert [row["position"] for row in found] == list(range(len(rows)))
    assert [row["input_ids"].tolist() for row in found] == rows["input_ids"].to_list()
    assert [json.loads(row["row"])["phase"] for row in found] == rows["phase"].to_list()
    if not packed:
        assert [row["text"] for row in found] == rows["text"].to_list()


READ_MDS = """
import json, sys, types
# The packages' own modules import what makes data sets of pictures; of them only the reader is wanted.
for name in ("streaming", "streaming.base"):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [sys.argv[2] + "/" + name.replace(".", "/")]
from streaming.base.format import reader_from_json
folder = sys.argv[1]
rows = []
for shard in json.load(open(folder + "/index.json"))["shards"]:
    reader = reader_from_json(folder, None, shard)
    for number in range(len(reader)):
        row = reader[number]
        rows.append({k: v.tolist() if hasattr(v, "tolist") else v for k, v in row.items()})
json.dump(rows, sys.stdout)
"""


@pytest.mark.torch
@pytest.mark.parametrize("packed", [False, True])
def test_mosaic(made: Callable[..., str], tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.releases.exports.mds.SHARD_BYTES", 20_000)
    release = made(packed)
    rows = rows_of(release)
    assert export(release, "mds", str(tmp_path / "mds")).files > 2
    read = subprocess.run(
        [sys.executable, "-c", READ_MDS, str(tmp_path / "mds"), str(STREAMING)],
        env={**os.environ, "PYTHONPATH": str(STREAMING)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr[-2000:]
    found = json.loads(read.stdout)
    assert [row["position"] for row in found] == list(range(len(rows)))
    assert [row["input_ids"] for row in found] == rows["input_ids"].to_list()
    assert [row["row"]["phase"] for row in found] == rows["phase"].to_list()
    if not packed:
        assert [row["text"] for row in found] == rows["text"].to_list()


def test_what_cannot_be_exported(made: Callable[..., str], syllabus: Command, tmp_path: Path) -> None:
    release = made(False, tokenizer=None)
    for format in ("megatron", "npy"):
        with pytest.raises(RecipeError, match=r"set shards\.tokenizer"):
            export(release, format, str(tmp_path / "x"))
    assert export(release, "mds", str(tmp_path / "mds")).rows == len(rows_of(release))  # texts are enough
    with pytest.raises(RecipeError, match="is not empty"):
        export(release, "hf", str(tmp_path / "mds"))
    with pytest.raises(RecipeError, match="to a local folder"):
        export(release, "webdataset", "s3://bucket/x")
    wrong = syllabus("export", release, "--format", "tfrecord", "--output", str(tmp_path / "y"))
    assert wrong.returncode == 2
    assert all(name in wrong.stderr for name in FORMATS)
    none = syllabus("export", str(tmp_path / "nothing"), "--format", "hf", "--output", str(tmp_path / "y"))
    assert none.returncode == 1


def test_from_the_command_line(made: Callable[..., str], syllabus: Command, tmp_path: Path) -> None:
    release = made(True)
    done = syllabus("export", str(Path(release).parent), "--format", "hf", "--output", "hub", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == len(rows_of(release))
