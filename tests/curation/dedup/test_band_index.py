"""The index on disk finds what a plain look through all documents finds, however its runs were merged."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import band_index
from curation.dedup.band_index import ID, Damaged, Index, Release, append, holders, load
from curation.dedup.minhash import band_name

BANDS = 2


def release(folder: Path, name: str, keys: np.ndarray, ids: np.ndarray) -> tuple[Release, str]:
    """A table of signatures as a release keeps it. keys: uint64[n, BANDS], ids: uint64[n, 2]."""
    raw = [row.astype("<u8").tobytes() for row in ids]
    columns = {"id": pa.array(raw, pa.binary(16)), **{band_name(b): keys[:, b] for b in range(BANDS)}}
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return Release(name, ((f"{name}.parquet", len(keys)),)), str(folder / f"{name}.parquet")


@pytest.mark.slow
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 30), min_size=1, max_size=7),
    st.sampled_from([3, 16]),
    st.sampled_from([5, 1000]),
)
def test_holders_are_those_of_a_plain_look(seed: int, sizes: list[int], row_group: int, merged: int) -> None:
    draw = np.random.default_rng(seed)
    few = np.r_[np.uint64(0), draw.integers(1, 2**64, 12, dtype=np.uint64), np.uint64(2**64 - 1)]
    with (
        tempfile.TemporaryDirectory() as name,
        patch.object(band_index, "ROW_GROUP", row_group),
        patch.object(band_index, "MERGED_AT_ONCE", merged),
    ):
        folder = Path(name)
        index = Index(str(folder / "index"), "settings", BANDS)
        keys, ids = np.zeros((0, BANDS), np.uint64), np.zeros((0, 2), np.uint64)
        for number, size in enumerate(sizes):
            some, more = few[draw.integers(0, len(few), (size, BANDS))], few[draw.integers(0, len(few), (size, 2))]
            made, path = release(folder, f"r{number}", some, more)
            index = append(index, made, [path])
            keys, ids = np.concatenate([keys, some]), np.concatenate([ids, more])
        assert load(index.folder) == index
        assert index.rows == len(keys)
        assert all(one.rows >= 2 * other.rows for one, other in zip(index.runs, index.runs[1:], strict=False))
        wanted = few[draw.integers(1, len(few), 20)]
        for band in range(BANDS):
            hit, place = holders(index, band_name(band), wanted, 3)
            plain = [(i, p) for i, key in enumerate(wanted) for p in np.flatnonzero(keys[:, band] == key)[:3]]
            assert list(zip(hit.tolist(), place.tolist(), strict=True)) == plain
        rest = few[draw.integers(0, len(few), 20)]
        hit, place = holders(index, ID, wanted, 1, rest=rest)
        plain = [
            (i, np.flatnonzero((ids == [a, b]).all(axis=1))[0])
            for i, (a, b) in enumerate(zip(wanted, rest, strict=True))
            if (ids == [a, b]).all(axis=1).any()
        ]
        assert list(zip(hit.tolist(), place.tolist(), strict=True)) == plain


def test_only_row_groups_that_may_hold_a_key_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(band_index, "ROW_GROUP", 100)
    keys = np.random.default_rng(0).integers(1, 2**64, (5000, BANDS), dtype=np.uint64)
    made, path = release(tmp_path, "r", keys, keys)
    index = append(Index(str(tmp_path / "index"), "settings", BANDS), made, [path])
    read: list[int] = []
    plain = band_index._column
    monkeypatch.setattr(band_index, "_column", lambda file, group, name: read.append(group) or plain(file, group, name))
    assert holders(index, band_name(0), keys[:3, 0], 3)[1].tolist() == [0, 1, 2]
    assert len(set(read)) <= 3


def test_a_missing_table_is_damage(tmp_path: Path) -> None:
    keys = np.ones((3, BANDS), np.uint64)
    made, path = release(tmp_path, "r", keys, keys)
    index = append(Index(str(tmp_path / "index"), "settings", BANDS), made, [path])
    (tmp_path / "index" / "r" / "band_000.parquet").unlink()
    with pytest.raises(Damaged):
        holders(index, band_name(0), keys[:, 0], 3)
    assert load(index.folder) is None
