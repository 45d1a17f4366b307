"""Files that are made to hurt: every sound row is read, what is none is counted, a few of each reason are named, and what is
held does not grow with the file. How fast: `python -m tests.benchmarks.hostile`."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.readers.documents import MAX_ALIKE
from curation.readers.formats import by_name
from curation.readers.read_files import Wanted, read
from tests.hostile import KINDS

SIZE = 300_000
SOUND = "a sound row"


def everything(path: Path, **wanted: int) -> tuple[list[str], int, list[tuple[int, str]], str | None]:
    """Texts, rows set aside, those that are named, the fault."""
    form, compression = by_name(path.name) or ("", None)
    texts, bad, named, fault = [], 0, [], None
    for batch in read(str(path), Wanted(batch_bytes=50_000, **wanted), format=form, compression=compression):
        texts += batch.documents["text"].to_pylist()
        bad += batch.bad
        named += batch.bad_rows
        fault = fault or batch.fault
    return texts, bad, named, fault


ROWS = {  # how many bytes each row that is none has
    "empty objects": 3,
    "nulls": 5,
    "texts that are null": 14,
    "numbers": 2,
    "open brackets, lines": 2,
    "open strings": 11,
    "objects on one line": 7,
    "objects on one line, commas": 3,
    "an array of nulls": 5,
    "an array of empty objects": 3,
    "an array of numbers": 2,
    "CSV records of one field too many": 4,
}
OTHERS = {"open brackets from the start", "deep JSON", "zeros as text", "Parquet, long texts"}
"""Files without that row."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "Parquet, a dictionary"])
def test_sound_rows_are_read_and_the_others_counted(kind: str, tmp_path: Path) -> None:
    texts, bad, named, fault = everything(KINDS[kind](tmp_path, SIZE))
    if kind in ROWS:
        assert bad == pytest.approx(SIZE / ROWS[kind], abs=1)
        assert texts == [SOUND]
        assert 0 < len(named) < bad
    elif kind in OTHERS:
        assert texts or fault
    else:
        assert SOUND in texts
        assert bad + (fault is not None) <= 1


@pytest.mark.parametrize("kind", ["nulls", "empty objects", "objects on one line, commas", "an array of nulls"])
def test_what_is_held_does_not_grow_with_the_rows(kind: str, tmp_path: Path) -> None:
    def held(size: int) -> int:
        path = KINDS[kind](tmp_path, size)
        everything(path)  # compiled, imported
        tracemalloc.start()
        everything(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert held(4 * SIZE) < 4 * held(SIZE)


def test_a_row_is_named_a_hundred_times_and_counted_always(tmp_path: Path) -> None:
    path = tmp_path / "nulls.jsonl"
    path.write_bytes(b'{"text": "a"}\n' + b"null\n" * 5000 + b"{}\n" * 5000 + b'{"text": "b"}\n' * 3)
    batches = list(read(str(path), Wanted(), format="jsonl"))
    assert [row for batch in batches for row in batch.documents["row"].to_pylist()] == [0, 10001, 10002, 10003]
    assert sum(batch.bad for batch in batches) == 10_000
    (named,) = (batch.bad_rows for batch in batches)
    assert [row for row, _ in named] == [*range(1, 1 + MAX_ALIKE), *range(5001, 5001 + MAX_ALIKE)]


def test_a_line_of_a_gigabyte_is_one_row(tmp_path: Path) -> None:
    texts, bad, named, fault = everything(KINDS["one line"](tmp_path, SIZE), max_row_bytes=1000)
    assert (texts, bad, fault) == ([SOUND, SOUND], 1, None)
    assert named == [(1, "longer than 1000 bytes")]


def test_a_dictionary_that_says_a_long_text_often(tmp_path: Path) -> None:
    """The decoded rows are a hundred times what may be held: batches hold a few each."""
    path = tmp_path / "dictionary.parquet"
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 20, pa.int32()), pa.array(["a" * 40_000_000, "b"]))
    pq.write_table(pa.table({"text": texts}), path, dictionary_pagesize_limit=1 << 30, store_schema=False)
    rows = 0
    for batch in read(str(path), Wanted(max_row_bytes=30_000_000), format="parquet"):
        assert batch.bad + len(batch.documents) <= 2
        assert set(batch.documents["text"].to_pylist()) <= {"b"}
        assert {reason for _, reason in batch.bad_rows} <= {"longer than 30000000 bytes"}
        rows += batch.bad + len(batch.documents)
    assert rows == 40


@pytest.mark.parametrize("name", ["line\nbreak.jsonl", "..two dots.jsonl", "tab\t.jsonl", "ctrl\x01.jsonl"])
def test_file_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text('{"text": "a"}\n')
    assert everything(path)[0] == ["a"]
