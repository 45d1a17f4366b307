"""The history of a stream: what it remembers, what it forgets, and a part of it that is damaged."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.release import Home
from curation.stages.history import forget, load, remembered
from schemas.dedup import Dedup
from schemas.errors import InputError, RecipeError

RELEASES = ("20260101T000000-aaaaaa", "20260108T000000-bbbbbb")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for number, release in enumerate(RELEASES):
        (tmp_path / release / "history").mkdir(parents=True)
        (tmp_path / release / "manifest.json").write_text("{}")
        table = pa.table({"id": pa.array([bytes(16)] * (number + 2), pa.binary(16))})
        pq.write_table(table, tmp_path / release / "history" / "00000.parquet")
    return Home(str(tmp_path))


def test_remembered_and_forgotten(home: Home) -> None:
    assert [(one.release, one.documents) for one in remembered(home)] == [(RELEASES[0], 2), (RELEASES[1], 3)]
    forget(home, RELEASES[0])
    assert [one.documents for one in remembered(home)] == [0, 3]
    assert [kept.kept for kept in load(home, Dedup(minhash=None))] == [3]
    with pytest.raises(RecipeError, match="no complete release; there are 2026"):
        forget(home, "20250101T000000-cccccc")


def test_a_damaged_part_is_named_with_the_cure(home: Home) -> None:
    path = Path(home.path(RELEASES[1], "history", "00000.parquet"))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=rf"00000\.parquet.*--forget {RELEASES[1]}"):
        load(home, Dedup(minhash=None))


def test_other_settings_are_refused_naming_both(home: Home) -> None:
    with pytest.raises(RecipeError, match=r"was made with null, this recipe has .*\"ngram\": 5"):
        load(home, Dedup())
