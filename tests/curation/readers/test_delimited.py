"""Records as the csv module has them, whatever stands between: blank lines by the million, quotes, line ends of all kinds."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.readers import delimited
from curation.readers.read_files import Wanted, read

TEXTS = st.text(st.sampled_from('ab,"\n\r \n\n'), max_size=60)


def plain(text: str) -> list[list[str]]:
    """The records before the first that is broken."""
    made: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            made += [record] if record else []
    except csv.Error:
        pass
    return made


@settings(deadline=None)
@given(TEXTS, st.integers(1, 7))
def test_the_records_of_the_csv_module(text: str, at_once: int) -> None:
    stream = delimited._Stream(iter([text.encode()]))
    source = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8", newline="")
    before = delimited.BLANKS_AT_ONCE
    delimited.BLANKS_AT_ONCE = at_once
    try:
        found = list(delimited._records(source, stream, ","))
    finally:
        delimited.BLANKS_AT_ONCE = before
    whole = next((i for i, one in enumerate(found) if isinstance(one, str)), len(found))
    assert found[:whole] == plain(text)


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\n\r\n"])
def test_blank_lines_are_no_rows(tmp_path: Path, blank: str) -> None:
    rows = ["text,n", "one,1", '"two\n\n\n2",2', "three,3", "four"]
    path = tmp_path / "a.csv"
    path.write_text((blank * 100_000).join(rows), newline="")
    documents, bad = [], []
    for batch in read(str(path), Wanted(batch_bytes=4_000_000), format="csv"):
        documents += batch.documents["text"].to_pylist()
        bad += [(row, why) for row, why, *_ in batch.bad_rows]
    assert documents == ["one", "two\n\n\n2", "three"]
    assert bad == [(3, "1 fields, the header has 2")]
