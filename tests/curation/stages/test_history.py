"""The history of a stream: what it remembers, what it forgets, and parts of it that are damaged."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from curation.releases.history import forget, index_of, remembered, write
from curation.releases.home import Home
from curation.stages.history import drop_known
from schemas.dedup import Dedup, MinHash
from schemas.errors import InputError, RecipeError
from schemas.work import Prepared
from tests.curation.stages.test_deduplicate import prepared

DEDUP = Dedup(history=True)
WEEKS = 5


def words_of(seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("abcdefghij", k=5)) for _ in range(80)]


def name_of(week: int) -> str:
    return f"202601{week + 1:02d}T000000-aaaaaa"


def keep(home: Home, week: int, part: Prepared, rows: list[int]) -> None:
    """A release that kept some rows of a partition."""
    write(
        part, np.array(rows, dtype=np.int64), params=DEDUP, target=home.path(name_of(week), "history", "00000.parquet")
    )
    Path(home.path(name_of(week), "manifest.json")).write_text("{}")


@pytest.fixture
def weeks(tmp_path: Path) -> list[Prepared]:
    """Each week 40 new documents, and three of earlier weeks: one as it was, two with a word more."""
    parts, told = [], []
    for week in range(WEEKS):
        mine = [" ".join(words_of(40 * week + i)) for i in range(40)]
        if week:
            mine += [told[week - 1][5], told[week - 1][6] + " again", told[0][7] + " anew"]
        told.append(mine)
        parts += prepared(tmp_path / f"part-{week}", [mine])[0]
    return parts


def stream(home: Home, weeks: list[Prepared], ranges: int = 1) -> list[list[tuple[int, str, str]]]:
    """What each week's run drops: (row, rule, the earlier document)."""
    said = []
    for week, part in enumerate(weeks):
        decided = drop_known([part], [np.zeros(0, dtype=np.int64)], home, DEDUP, ranges)
        rows = decided["index"].to_pylist()
        said.append(list(zip(rows, decided["rule"].to_pylist(), decided["kept_id"].to_pylist(), strict=True)))
        keep(home, week, part, [row for row in range(part.kept) if row not in rows])
    return said


def ids(part: Prepared) -> list[str]:
    return pq.read_table(part.documents_path)["id"].to_pylist()  # type: ignore[no-any-return]


def test_each_week_drops_what_came_before_and_names_it(tmp_path: Path, weeks: list[Prepared]) -> None:
    said = stream(Home(str(tmp_path / "home")), weeks)
    first = ids(weeks[0])
    assert said[0] == []
    for week in range(1, WEEKS):
        before = ids(weeks[week - 1])
        wanted = {40: ("same_text", before[5]), 41: ("near_duplicate", before[6]), 42: ("near_duplicate", first[7])}
        found = {row: (rule, kept) for row, rule, kept in said[week]}
        assert found.keys() >= wanted.keys()
        # The anew of later weeks are like each other; the first of all stays the one that is named.
        assert {row: found[row] for row in wanted} == wanted
    index = index_of(Home(str(tmp_path / "home")), DEDUP)
    assert index.rows == sum(r.documents for r in remembered(Home(str(tmp_path / "home"))))
    assert len(index.runs) < WEEKS


@pytest.mark.parametrize("ranges", [3, 7])
def test_ranges_of_keys_decide_nothing(tmp_path: Path, weeks: list[Prepared], ranges: int) -> None:
    one = stream(Home(str(tmp_path / "one")), weeks)
    assert any(one)
    assert stream(Home(str(tmp_path / "several")), weeks, ranges) == one


@pytest.mark.parametrize("harm", ["cut short", "changed", "gone", "state"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, weeks: list[Prepared], harm: str) -> None:
    home = Home(str(tmp_path / "home"))
    stream(home, weeks[:-1])
    index_of(home, DEDUP)
    tables = sorted(Path(home.cache("history")).glob("*/band_*.parquet"))
    for table in tables:
        raw = table.read_bytes()
        if harm == "cut short":
            table.write_bytes(raw[: len(raw) // 2])
        elif harm == "changed":
            table.write_bytes(raw[:200] + bytes([raw[200] ^ 1]) + raw[201:])
        elif harm == "gone":
            table.unlink()
        else:
            Path(home.cache("history", "state.json")).write_text("{")
    decided = drop_known([weeks[-1]], [np.zeros(0, dtype=np.int64)], home, DEDUP)
    assert {40, 41, 42} <= set(decided["index"].to_pylist())


def test_a_crash_leaves_the_index_whole(tmp_path: Path, weeks: list[Prepared], monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(str(tmp_path / "home"))
    stream(home, weeks[:-1])
    from curation.dedup import band_index

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(band_index, "save", crash)
        with pytest.raises(KeyboardInterrupt):
            index_of(home, DEDUP)
    state = band_index.load(home.cache("history"))
    assert state is not None
    assert len(state.releases) == WEEKS - 2
    index = index_of(home, DEDUP)
    assert len(index.releases) == WEEKS - 1
    left = {path.name for path in Path(index.folder).iterdir()}
    assert left == {"state.json", *(run.name for run in index.runs)}


def test_remembered_and_forgotten(tmp_path: Path, weeks: list[Prepared]) -> None:
    home = Home(str(tmp_path / "home"))
    stream(home, weeks[:3])
    assert next(one.documents for one in remembered(home)) == 40
    forget(home, name_of(0))
    assert next(one.documents for one in remembered(home)) == 0
    again = drop_known([weeks[0]], [np.zeros(0, dtype=np.int64)], home, DEDUP)
    assert len(again) < 5  # but for what the later weeks hold, all of the first is new again
    with pytest.raises(RecipeError, match="no complete release; there are 2026"):
        forget(home, "20250101T000000-cccccc")


def test_a_damaged_release_is_named_with_the_cure(tmp_path: Path, weeks: list[Prepared]) -> None:
    home = Home(str(tmp_path / "home"))
    keep(home, 0, weeks[0], [0, 1, 2])
    path = Path(home.path(name_of(0), "history", "00000.parquet"))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=rf"00000\.parquet.*--forget {name_of(0)}"):
        index_of(home, DEDUP)


def test_other_settings_are_refused_naming_both(tmp_path: Path, weeks: list[Prepared]) -> None:
    home = Home(str(tmp_path / "home"))
    keep(home, 0, weeks[0], [0, 1, 2])
    index_of(home, DEDUP)
    other = Dedup(history=True, minhash=MinHash(ngram=7))
    with pytest.raises(RecipeError, match=r"was made with .*\"ngram\": 5.*this recipe has .*\"ngram\": 7"):
        index_of(home, other)
    assert index_of(home, DEDUP).rows == 3
    assert index_of(home, Dedup(history=True, minhash=None)).bands == 0
