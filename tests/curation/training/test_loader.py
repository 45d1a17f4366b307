"""Order, global batches for any number of ranks and workers, states taken up under another number."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from curation import storage
from curation.training import ShardDataset

ROWS = 103


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    folder = home / "20260101T000000-abcdef"
    (folder / "shards").mkdir(parents=True)
    shards, first = [], 0
    for number, rows in enumerate((40, 1, 62)):
        table = pa.table(
            {"position": pa.array(range(first, first + rows), pa.int64()), "text": [f"t{i}" for i in range(rows)]}
        )
        pq.write_table(table, folder / "shards" / f"{number:05d}.parquet", row_group_size=7)
        shards.append({"path": f"shards/{number:05d}.parquet", "rows": rows, "first_position": first})
        first += rows
    (folder / "manifest.json").write_text(json.dumps({"release": folder.name, "shards": shards}))
    (home / "latest.json").write_text(json.dumps({"release": folder.name}))
    return home


def positions(batch: list[dict[str, int]]) -> list[int]:
    return [row["position"] for row in batch]


def test_one_rank_reads_all_in_order(release: Path) -> None:
    data = ShardDataset(str(release), batch_size=8)
    batches = [positions(batch) for batch in data]
    assert [p for batch in batches for p in batch] == list(range(ROWS))
    assert len(batches) == len(data) == 13


@given(world=st.integers(1, 5), size=st.integers(1, 9))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ranks_share_each_global_batch(release: Path, world: int, size: int) -> None:
    ranks = [[positions(b) for b in ShardDataset(str(release), r, world, size)] for r in range(world)]
    for number, parts in enumerate(zip(*ranks, strict=True)):
        start = number * size * world
        assert [p for part in parts for p in part] == list(range(start, min(start + size * world, ROWS)))


@given(world=st.integers(1, 4), size=st.integers(1, 9), after=st.integers(0, 20), other=st.integers(1, 4))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_state_goes_on_under_another_number(release: Path, world: int, size: int, after: int, other: int) -> None:
    data = ShardDataset(str(release), 0, world, size)
    batches = iter(data)
    taken = sum(1 for _ in zip(range(min(after, len(data))), batches, strict=False))
    state = json.loads(json.dumps(data.state_dict())) if taken else data.state_after(0)
    assert state["position"] == min(taken * world * size, ROWS)
    read: list[list[list[int]]] = []
    for rank in range(other):
        more = ShardDataset(str(release), rank, other, 3)
        more.load_state_dict(state)
        read.append([positions(b) for b in more] if state["position"] < ROWS else [])
    found = [p for parts in zip(*read, strict=True) for part in parts for p in part]
    assert found == list(range(state["position"], ROWS))


def test_a_pass_begins_anew(release: Path) -> None:
    data = ShardDataset(str(release), batch_size=50)
    assert [len(b) for b in data] == [len(b) for b in data] == [50, 50, 3]


def test_what_is_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rank"):
        ShardDataset(str(release), rank=2, world_size=2)
    with pytest.raises(FileNotFoundError, match="neither a release"):
        ShardDataset(str(tmp_path))
    data = ShardDataset(str(release))
    with pytest.raises(ValueError, match="is of release other"):
        data.load_state_dict({"release": "other", "position": 0})


def of_torch(release: Path, workers: int, state: dict[str, int] | None = None) -> list[list[int]]:
    """Batches of a plain DataLoader."""
    from torch.utils.data import DataLoader

    data = ShardDataset(str(release), batch_size=4)
    if state is not None:
        data.load_state_dict(state)
    context = "spawn" if workers else None
    return [positions(batch) for batch in DataLoader(data, None, num_workers=workers, multiprocessing_context=context)]


@pytest.mark.torch
def test_plain_loaders_resume_by_the_number_of_batches(release: Path) -> None:
    whole = of_torch(release, 0)
    assert [p for batch in whole for p in batch] == list(range(ROWS))
    for workers, after in ((1, 3), (2, 5), (3, 25)):
        assert of_torch(release, workers, ShardDataset(str(release), batch_size=4).state_after(after)) == whole[after:]


@pytest.mark.torch
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_stateful_loaders_resume_anywhere(release: Path, workers: int) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    def loader() -> Any:
        context = "spawn" if workers else None
        data = ShardDataset(str(release), batch_size=4)
        return StatefulDataLoader(data, None, num_workers=workers, multiprocessing_context=context)

    whole = [list(range(start, min(start + 4, ROWS))) for start in range(0, ROWS, 4)]
    states, made = [], loader()
    for batch in made:
        states.append((positions(batch), made.state_dict()))
    assert [batch for batch, _ in states] == whole
    for after in (1, 2, 5, 24, 25) if workers else range(1, len(whole)):
        again = loader()
        again.load_state_dict(states[after - 1][1])
        assert [positions(batch) for batch in again] == whole[after:], after


@pytest.mark.torch
@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_stateful_loader_saved_goes_on_under_any_number(release: Path, workers: int) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    data = ShardDataset(str(release), batch_size=4)
    context = "spawn" if workers else None
    loader = StatefulDataLoader(data, None, num_workers=workers, multiprocessing_context=context)
    for after, batch in enumerate(loader, start=1):
        assert batch
        if after == 7:
            state = loader.state_dict()
            break
    for world in (1, 3):
        read = []
        for rank in range(world):
            more = ShardDataset(str(release), rank, world, 2)
            more.load_state_dict(state)
            read.append([positions(batch) for batch in more])
        found = [p for parts in zip(*read, strict=True) for part in parts for p in part]
        assert found == list(range(7 * 4, ROWS))


def test_a_wrong_state_says_what_to_do(release: Path) -> None:
    data = ShardDataset(str(release))
    with pytest.raises(ValueError, match="no state of a ShardDataset"):
        data.load_state_dict({"epoch": 3})
    with pytest.raises(ValueError, match="open that one by its own folder"):
        data.load_state_dict({"release": "other", "position": 0})
    with pytest.raises(ValueError, match="a later Syllabus"):
        data.load_state_dict({"release": data.state_dict()["release"], "position": 0, "version": 99})


@pytest.fixture
def own(release: Path, tmp_path: Path) -> Path:
    """A copy of the release that may be damaged, with the bytes of its shards in the manifest."""
    home = tmp_path / "home"
    shutil.copytree(release, home)
    folder = next(path for path in home.iterdir() if path.is_dir())
    manifest = json.loads((folder / "manifest.json").read_text())
    for number, shard in enumerate(manifest["shards"]):
        shard["bytes"] = (folder / shard["path"]).stat().st_size
        shard["phase"] = "early" if number < 2 else "late"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_phases_and_the_trainers_notes_are_there(own: Path) -> None:
    phases = [{"name": "early", "first_step": 0}, {"name": "late", "first_step": 11}]
    (own / "trainer.json").write_text(json.dumps({"phases": phases, "loss_weight_column": "loss_weight"}))
    data = ShardDataset(str(own))
    assert [(p.name, p.first_position, p.rows, p.first_step) for p in data.phases] == [
        ("early", 0, 41, 0),
        ("late", 41, 62, 11),
    ]
    assert [data.phase_at(position).name for position in (0, 40, 41, 102)] == ["early", "early", "late", "late"]
    assert data.trainer["loss_weight_column"] == "loss_weight"
    with pytest.raises(IndexError, match=r"0 … 102"):
        data.phase_at(103)


def test_a_release_that_changed_is_said(own: Path) -> None:
    data = ShardDataset(str(own), batch_size=41)
    shard = own / "shards" / "00002.parquet"
    whole = shard.read_bytes()
    batches = iter(data)
    assert positions(next(batches))[-1] == 40
    shard.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"00002\.parquet: \d+ bytes, where the manifest says"):
        list(ShardDataset(str(own)))
    shard.write_bytes(bytes(len(whole)))
    with pytest.raises(ValueError, match="no Parquet file any more"):
        list(ShardDataset(str(own)))
    pq.write_table(pa.table({"position": pa.array([0], pa.int64())}), shard)
    manifest = json.loads((own / "manifest.json").read_text())
    manifest["shards"][2]["bytes"] = shard.stat().st_size
    (own / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="1 rows, where the manifest says 62"):
        list(ShardDataset(str(own)))
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=r"00002\.parquet: the release's shard is not there"):
        list(ShardDataset(str(own)))


def test_another_tokenizer_is_refused(own: Path, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.json", tmp_path / "other.json"
    mine.write_text("{}")
    other.write_text("{ }")
    with pytest.raises(ValueError, match="has no tokens"):
        ShardDataset(str(own), tokenizer=str(mine))
    manifest = json.loads((own / "manifest.json").read_text())
    digest = hashlib.sha256(b"{}").hexdigest()
    manifest["side_files"] = [{"path": "mine.json", "sha256": digest, "used_by": "shards.tokenizer"}]
    manifest["recipe"] = {"shards": {"tokenizer": "mine.json"}}
    (own / "manifest.json").write_text(json.dumps(manifest))
    assert len(ShardDataset(str(own), tokenizer=str(mine))) == ROWS
    with pytest.raises(ValueError, match="its ids mean other tokens"):
        ShardDataset(str(own), tokenizer=str(other))


def test_shards_of_a_store_are_kept_in_a_folder_of_bounded_size(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fsspec.filesystem("memory")
    store.put(str(own), f"/{own.name}", recursive=True)
    url, cache = f"memory://{own.name}", tmp_path / "cache"
    copied: list[str] = []
    open_read = storage.open_read

    def counted(path: str) -> Any:
        copied.append(path)
        return open_read(path)

    monkeypatch.setattr(storage, "open_read", counted)
    shards = [f"{url}/shards/{number:05d}.parquet" for number in range(3)]
    for _ in range(2):
        data = ShardDataset(url, batch_size=8, cache=str(cache))
        assert [p for batch in data for p in positions(batch)] == list(range(ROWS))
    assert sorted(path for path in copied if path.endswith(".parquet")) == shards  # each once
    assert len(list(cache.iterdir())) == 3
    small = tmp_path / "small"
    most = store.size(f"/{own.name}/shards/00002.parquet") + 10
    data = ShardDataset(url, batch_size=8, cache=str(small), cache_bytes=most)
    for batch in data:
        assert batch
        assert sum(path.stat().st_size for path in small.glob("*.parquet")) <= 2 * most
    assert len(list(small.iterdir())) < 3


def packed_release(folder: Path, rows: int = 10, length: int = 8) -> Path:
    (folder / "shards").mkdir(parents=True)
    rng = np.random.default_rng(0)
    spans = [[(0, 3), (3, 7)] if row % 2 else [(0, length)] for row in range(rows)]
    table = pa.table(
        {
            "position": pa.array(range(rows), pa.int64()),
            "phase": ["a"] * rows,
            "input_ids": pa.array(rng.integers(0, 99, (rows, length)).tolist(), pa.list_(pa.int32())),
            "loss_mask": pa.array([[1] * length] * rows, pa.list_(pa.uint8())),
            "doc_ids": [[str(k) for k in range(len(one))] for one in spans],
            "doc_spans": [[{"start": a, "end": b} for a, b in one] for one in spans],
            "loss_weights": pa.array([[0.5] * length] * rows, pa.list_(pa.float32())),
        }
    )
    pq.write_table(table, folder / "shards" / "00000.parquet", row_group_size=4)
    shards = [{"path": "shards/00000.parquet", "rows": rows, "first_position": 0}]
    (folder / "manifest.json").write_text(json.dumps({"release": folder.name, "shards": shards}))
    return folder


def test_packed_rows_are_arrays_with_the_places_in_their_documents(tmp_path: Path) -> None:
    folder = packed_release(tmp_path / "packed")
    whole = pq.read_table(folder / "shards" / "00000.parquet")
    batches = list(ShardDataset(str(folder), batch_size=3))
    for name in ("input_ids", "loss_mask", "loss_weights"):
        assert np.concatenate([np.asarray(b[name]) for b in batches]).tolist() == whole[name].to_pylist()
    assert str(np.asarray(batches[0]["loss_weights"]).dtype) == "float32"
    found = np.concatenate([np.asarray(b["position_ids"]) for b in batches]).tolist()
    assert found == [[0, 1, 2, 0, 1, 2, 3, 0] if row % 2 else list(range(8)) for row in range(10)]
    short = ShardDataset(str(folder), 1, 2, 6)
    assert [np.asarray(b["input_ids"]).shape for b in short] == [(5, 8)]


ONLY = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in {"numpy", "pyarrow", "curation", "schemas"}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from curation.training import ShardDataset
print(sum(len(batch) for batch in ShardDataset(sys.argv[1], batch_size=8)))
"""


def test_numpy_and_pyarrow_alone_suffice(release: Path) -> None:
    read = subprocess.run([sys.executable, "-c", ONLY, str(release)], capture_output=True, text=True, check=False)
    assert read.stdout.strip() == str(ROWS), read.stderr


def test_a_release_of_many_shards_is_opened_by_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand shards are in the manifest; no more than the first and the next one is looked for."""
    folder = packed_release(tmp_path / "many", rows=4)
    (shard,) = json.loads((folder / "manifest.json").read_text())["shards"]
    shards = [
        {**shard, "path": f"shards/{n:05d}.parquet", "first_position": 4 * n, "phase": "a", "tokens": 1}
        for n in range(10_000)
    ]
    shutil.copy(folder / "shards" / "00000.parquet", folder / "shards" / "00001.parquet")
    (folder / "manifest.json").write_text(json.dumps({"release": "many", "shards": shards}))
    opened: list[str] = []
    open_parquet = storage.open_parquet

    def counted(path: str, **options: Any) -> Any:
        opened.append(path)
        return open_parquet(path, **options)

    monkeypatch.setattr(storage, "open_parquet", counted)
    batches = iter(ShardDataset(str(folder), batch_size=2))
    assert len(next(batches)["input_ids"]) == 2
    batches.close()  # type: ignore[attr-defined]
    assert 1 <= len(opened) <= 2
