"""One bad byte takes its row, a damaged page its row group: the rest of a Parquet file is read, and what is lost is named."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.readers import read_files
from schemas.sources import Source

BAD = b"caf\xe9 au lait"
COLUMNS = ("text", "ask", "id", "url", "plain", "coded", "many", "inner")
EXTRA = {"plain": "string", "coded": "string", "many": "strings", "inner.label": "string"}


def strings(values: list[bytes]) -> pa.Array:
    """Strings of any bytes, as a writer that checks nothing leaves them."""
    binary = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(binary), binary.buffers())


def table(rows: int, planted: dict[str, set[int]]) -> pa.Table:
    """A table with every kind of column, and bad bytes in the rows planted of each."""

    def column(name: str) -> pa.Array:
        return strings([BAD if i in planted.get(name, ()) else f"{name} {i}".encode() for i in range(rows)])

    def coded() -> pa.Array:
        values = strings([b"a", b"b", BAD])
        return pa.DictionaryArray.from_arrays(
            pa.array([2 if i in planted.get("coded", ()) else i % 2 for i in range(rows)], pa.int32()), values
        )

    many = pa.ListArray.from_arrays(pa.array(range(0, 2 * rows + 1, 2), pa.int32()), pa.nulls(2 * rows, pa.string()))
    second = column("many")
    values = [value.as_buffer().to_pybytes() for i in range(rows) for value in (pa.scalar("one"), second[i])]
    many = pa.ListArray.from_arrays(many.offsets, strings(values))
    inner = pa.StructArray.from_arrays([column("inner"), column("other")], names=["label", "other"])
    return pa.table(
        {
            **{name: column(name) for name in ("text", "ask", "id", "url", "plain")},
            "coded": coded(),
            "many": many,
            "inner": inner,
        }
    )


def read(path: Path, extra: dict[str, str] | None = None, **fields: Any) -> tuple[list[dict[str, Any]], Any, list[str]]:
    source = Source.model_validate({"name": "s", "paths": [str(path)], **fields})
    rows, bad, faults = [], [], []
    for batch in read_files.read(str(path), read_files.wanted_of(source, extra or {}, 1_000), format="parquet"):
        rows += batch.documents.to_pylist()
        bad += batch.bad_rows
        faults += [batch.fault] if batch.fault else []
    return rows, bad, faults


PLANTED = st.dictionaries(st.sampled_from(COLUMNS), st.sets(st.integers(0, 29), max_size=3))


@settings(max_examples=40)
@given(planted=PLANTED, group=st.integers(3, 30), dictionary=st.booleans(), everything=st.booleans())
def test_rows_lost_are_those_planted(
    planted: dict[str, set[int]], group: int, dictionary: bool, everything: bool, tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("planted") / "a.parquet"
    pq.write_table(table(30, planted), path, row_group_size=group, use_dictionary=dictionary)
    asked: dict[str, Any] = {"extra": EXTRA, "prompt_column": "ask"} if everything else {}
    rows, bad, faults = read(path, **asked)
    watched = COLUMNS if everything else ("text", "id", "url")
    lost = {row for name in watched for row in planted.get(name, ())}
    assert faults == []
    assert {row for row, _ in bad} == lost
    assert [row["row"] for row in rows] == [i for i in range(30) if i not in lost]
    assert [row["text"] for row in rows] == [f"text {i}" for i in range(30) if i not in lost]
    for row, reason in bad:
        named = reason.removeprefix("invalid UTF-8 in `").rstrip("`").split(".")[0]
        assert row in planted[named]
    if everything:
        assert all(row["column:many"] == ["one", f"many {row['row']}"] for row in rows)
        assert all(row["column:coded"] == "ab"[row["row"] % 2] for row in rows)
        assert all(row["column:inner.label"] == f"inner {row['row']}" for row in rows)


@pytest.mark.parametrize("stored", [True, False])
def test_names_that_are_no_utf8(stored: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    inner = [{"zXz": 1, "url": f"u{i}"} for i in range(3)]
    pq.write_table(pa.table({"text": ["a", "b", "c"], "yXy": [1, 2, 3], "meta": inner}), path, store_schema=stored)
    path.write_bytes(path.read_bytes().replace(b"yXy", b"y\xffy").replace(b"zXz", b"z\xffz"))
    rows, bad, faults = read(path, columns={"url": "meta.url"})
    assert (bad, faults) == ([], [])
    assert [(row["text"], row["url"]) for row in rows] == [("a", "u0"), ("b", "u1"), ("c", "u2")]
    _, _, faults = read(path, columns={"text": "content"})
    assert faults == ["no column `content`; the file has: `text`, `meta`; add to the source: columns: {text: text}"]


@pytest.mark.parametrize(
    ("columns", "fields", "says"),
    [
        (
            {"text": [[{"role": "user", "content": "x"}]]},
            {},
            "`text` holds a list of structs {role, content}, not text",
        ),
        ({"text": [["x"]]}, {}, "`text` holds a list of strings, not text"),
        ({"text": [{"a": 1}]}, {}, "`text` holds a struct {a}, not text"),
        ({"text": [1.5]}, {}, "`text` holds numbers (double), not text"),
        ({"text": ["x"], "ask": [["x"]]}, {"prompt_column": "ask"}, "`ask` holds a list of strings, not text"),
        (
            {"texts": ["x"], "n": [1]},
            {},
            "no column `text` (the nearest is `texts`); the file has: `texts`, `n`; add to the source: columns: {text: texts}",
        ),
        (
            {"messages": [[{"role": "user", "content": "x"}]], "answer": ["x"]},
            {},
            "a chat file: each record has `messages`, a list of structs {role, content}, and no column `text`: read "
            "it as conversations, kind: conversation",
        ),
        ({f"c{i}\n`<b>{'x' * 90}": [1] for i in range(9)}, {}, "no column `text`; the file has: `c0??<b>"),
    ],
)
def test_what_a_column_holds_is_said(columns: Any, fields: Any, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    rows, bad, faults = read(path, **fields)
    assert (rows, bad) == ([], [])
    assert len(faults) == 1
    assert faults[0].startswith(says) if says.endswith("<b>") else faults[0] == says
    assert len(faults[0]) < 400


def test_pages_are_held_against_their_checksums(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"text {i} " * 50 for i in range(40)]
    pq.write_table(
        pa.table({"text": texts}),
        path,
        row_group_size=10,
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
    )
    data = path.read_bytes()
    path.write_bytes(data.replace(b"text 12 text", b"text 12 next", 1))
    rows, bad, faults = read(path)
    assert bad == []
    assert [row["row"] for row in rows] == [*range(10), *range(20, 40)]
    assert faults[0].startswith("row group 1 (10 rows) is damaged: ")


def test_a_disk_that_fails_is_no_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its rows would be set aside, once and for all."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["one", "two"]}), path)

    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fails)
    with pytest.raises(OSError, match="Input/output error"):
        read(path)


def test_binary_columns_of_old_writers_and_odd_times(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        "text": pa.array([b"a", BAD, "ç".encode()], pa.binary()),
        "url": pa.array([b"u0", b"u1", b"u2"], pa.binary()),
        "id": pa.array([b"\xff\x00", b"i1", b"i2"], pa.binary()),
        "date": pa.array([1, 2, 3], pa.timestamp("ns")),
    }
    pq.write_table(pa.table(columns), path)
    rows, bad, faults = read(path)
    assert (bad, faults) == ([(1, "invalid UTF-8 in `text`")], [])
    assert [(row["text"], row["url"], row["name"]) for row in rows] == [("a", "u0", None), ("ç", "u2", "i2")]


def test_times_that_python_has_none_for(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    far = pa.array([0, 2**62, None], pa.int64())
    for kind in (pa.timestamp("us"), pa.date64(), pa.timestamp("ms", "Nowhere/There")):
        pq.write_table(pa.table({"text": ["a", "b", "c"], "date": far.cast(kind, safe=False)}), path)
        rows, bad, faults = read(path)
        assert ([row["text"] for row in rows], bad, faults) == (["a", "b", "c"], [], [])
        assert rows[1]["date"] is None
