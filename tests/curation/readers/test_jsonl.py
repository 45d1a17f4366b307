"""JSON as people write it: read where its records cannot be mistaken, else set aside with one reason that says what it is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.readers.json_values import is_lines, records
from curation.readers.read_files import Wanted
from curation.stages.catalogue import catalogue, cut
from schemas.sources import Source
from tests.curation.readers.test_common import read

ROWS = [{"text": f"te,xt }}{{ {i}", "id": f"d{i}", "more": {"a": [1, {"b": "]"}]}} for i in range(5)]
TEXTS = [row["text"] for row in ROWS]
INDENTED = "\n".join(json.dumps(row, indent=2) for row in ROWS)
ONE_A_LINE = [json.dumps(row) for row in ROWS]


def wrapped(path: str, **around: Any) -> dict[str, Any]:
    inner: Any = ROWS
    for key in reversed(path.split(".")):
        inner = {"version": 1, "users": ["a"], key: inner, "note": "x"}
    return {**inner, **around}


READ: dict[str, tuple[str, dict[str, Any]]] = {
    "indented": (INDENTED, {}),
    "indented and parted by commas": (INDENTED.replace("\n}\n{", "\n},\n{"), {}),
    "several on a line": ("".join(ONE_A_LINE[:2]) + "\n" + " ".join(ONE_A_LINE[2:]) + "\n", {}),
    "all on one line": (", ".join(ONE_A_LINE), {}),
    "commas after lines": (",\n".join(ONE_A_LINE) + ",\n", {}),
    "array": (json.dumps(ROWS, indent=1), {}),
    "array on a line": (json.dumps(ROWS) + "\n", {}),
    "array, one a line": ("[\n" + ",\n".join(ONE_A_LINE) + "\n]\n", {}),
    "wrapper": (json.dumps(wrapped("data")), {}),
    "wrapper, indented": (json.dumps(wrapped("data"), indent=2), {}),
    "wrapper, one a line": ('{"data": [\n' + ",\n".join(ONE_A_LINE) + "\n]}\n", {}),
    "records": (json.dumps(wrapped("rows", others=[{"text": "no"}])), {"records": "rows"}),
    "records, deep": (json.dumps(wrapped("response.docs"), indent=2), {"records": "response.docs"}),
    "records, many pages": (
        "\n".join(json.dumps({"page": i, "data": ROWS[i : i + 2]}) for i in (0, 2, 4)),
        {"records": "data"},
    ),
}


@pytest.mark.parametrize("ending", ["json", "jsonl.gz"])
@pytest.mark.parametrize("name", READ)
def test_what_cannot_be_mistaken_is_read(name: str, ending: str, tmp_path: Path) -> None:
    data, fields = READ[name]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(gzip.compress(data.encode()) if ending.endswith("gz") else data.encode())
    rows, bad, faults = read(path, **fields)
    assert (bad, faults) == ([], [])
    assert [(row["row"], row["text"]) for row in rows] == list(enumerate(TEXTS))


CHAT = {"id": "c", "messages": [{"role": "user", "content": "secret"}], "answer": "secret"}
ASIDE: dict[str, tuple[str, dict[str, Any], str]] = {
    "a chat file": (
        "\n".join([json.dumps(CHAT)] * 30),
        {},
        "a chat file: each record has `messages`, a list of objects {role, content}, and no column `text`: read it "
        "as conversations, kind: conversation",
    ),
    "an indented chat file": (
        json.dumps([CHAT] * 3, indent=2),
        {},
        "a chat file: each record has `messages`, a list of",
    ),
    "a lone chat": (json.dumps(CHAT, indent=2), {}, "a chat file: each record has `messages`, a list of objects"),
    "ShareGPT": (
        json.dumps({"conversations": [{"from": "human", "value": "secret"}]}) + "\n",
        {},
        "a chat file: each record has `conversations`, a list of objects {from, value}, and no column `text`",
    ),
    "two lists": (
        json.dumps({"train": ROWS, "test": ROWS, "n": 1}),
        {},
        "one JSON object with `train`, `test`, `n`, and no column `text`; lists of objects stand at `train`, `test`: say which "
        "holds the records (records: on the source)",
    ),
    "a deep list": (
        json.dumps(wrapped("response.docs")),
        {},
        "one JSON object with `version`, `users`, `response`, `note`, and",
    ),
    "another path": (
        json.dumps(wrapped("data")),
        {"records": "rows"},
        "no list of records at `rows`; lists stand at `users`, `data`",
    ),
    "no wrapper": ("\n".join(ONE_A_LINE), {"records": "rows"}, "no list of records at `rows`; lists stand at `more.a`"),
    "HTML": ("\n <!DOCTYPE html>\n<html>\n<body>secret</body>", {}, "not JSON Lines: an HTML page"),
    "no JSON": ("secret\nother secret\n", {}, "not JSON Lines: none of its 2 rows is an object; row 0: not JSON: "),
    "Python": (
        "{'text': 'secret'}\n" * 9,
        {},
        "not JSON Lines: none of its 9 rows is an object; row 0: a Python dictionary",
    ),
    "lists for texts": (
        "\n".join([json.dumps({"text": [{"role": "user", "content": "secret"}]})] * 9),
        {},
        "`text` holds a list of objects {role, content}, not text",
    ),
    "another name": (
        '{"txt": "secret", "n": 1}\n' * 9,
        {},
        "no column `text` (the nearest is `txt`); the file has: `txt`, `n`; add to the source: columns: {text: txt}",
    ),
    "an empty stream": ("", {}, "empty file, 0 bytes: not gzip"),
}


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_set_aside_has_one_reason(name: str, tmp_path: Path) -> None:
    data, fields, says = ASIDE[name]
    path = tmp_path / ("a.jsonl.gz" if not data else "a.jsonl")
    path.write_text(data)
    rows, bad, faults = read(path, **fields)
    assert (rows, bad, len(faults)) == ([], [], 1)
    assert faults[0].startswith(says)
    assert "secret" not in faults[0]


@pytest.mark.parametrize(
    "first",
    [
        '{"text": "cut',
        '{"text": "cut", "meta": {',
        '["cut", [',
        "[",
        "plain words",
        '{"text": NaN}',
        "}",
        '{"text": 1}{"text": ',
    ],
)
def test_a_broken_first_line_is_one_row(first: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([first, *ONE_A_LINE]))
    rows, bad, faults = read(path)
    assert [row for row, _ in bad] == [0]
    assert faults == []
    assert [(row["row"], row["text"]) for row in rows] == list(enumerate(TEXTS, start=1))


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\{}[],:\n', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150)
@given(
    values=st.lists(st.dictionaries(st.text("abc", max_size=3), VALUE, max_size=3), min_size=1, max_size=5),
    around=st.dictionaries(st.text("xyz", max_size=3), VALUE, max_size=3),
    indent=st.sampled_from([None, 0, 2]),
    size=st.integers(1, 40),
    deep=st.booleans(),
)
def test_blocks_of_any_size_give_the_records_of_a_wrapper(
    values: list[Any], around: dict[str, Any], indent: int | None, size: int, deep: bool
) -> None:
    inner = {**around, "data": values}
    data = json.dumps({"w": inner, **around} if deep else inner, indent=indent).encode()

    def blocks() -> Iterator[bytes]:
        return (data[i : i + size] for i in range(0, len(data), size))

    made = records(blocks, Wanted(records="w.data" if deep else "data"), "json")
    assert [json.loads(one or b"") for batch in made for one in batch] == values


def test_big_files_are_cut_where_lines_are_records_only(tmp_path: Path) -> None:
    files = {
        "lines": "\n".join(["", *ONE_A_LINE[:2], " ", "".join(ONE_A_LINE[2:4]), "broken", ONE_A_LINE[4]]),
        "indented": INDENTED,
        "wrapper": json.dumps(wrapped("data"), indent=1),
    }
    for name, data in files.items():
        (tmp_path / f"{name}.jsonl").write_text(data)
    source = Source(name="s", paths=[str(tmp_path / "*.jsonl")])
    found = {Path(file.path).stem: file for file in catalogue([source], partition_bytes=100, known={})}
    assert {name: len(cut(file, 0)) > 1 for name, file in found.items()} == {
        "lines": True,
        "indented": False,
        "wrapper": False,
    }
    assert is_lines(str(tmp_path / "lines.jsonl"), None)
    rows, bad = [], []
    for one in cut(found["lines"], 0):
        more, worse, _ = read(tmp_path / "lines.jsonl", slice_of=one)
        rows += more
        bad += worse
    assert [(row["row"], row["text"]) for row in rows] == list(zip([0, 1, 2, 3, 5], TEXTS, strict=True))
    assert [row for row, _ in bad] == [4]
    wrapped_source = source.model_copy(update={"records": "data"})
    assert all(len(cut(file, 0)) == 1 for file in catalogue([wrapped_source], partition_bytes=100, known={}))
