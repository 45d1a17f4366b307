"""Order, global batches for any number of ranks and workers, states taken up under another number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

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
