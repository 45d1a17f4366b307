"""Records as the csv module has them, whatever stands between: blank lines by the million, quotes, line ends of all kinds."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
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
        found = list(delimited._records(delimited._TextLines(source, ","), stream))
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


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30), st.booleans()), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 40),
)
@example(runs=[(1, 1, False)] * 4, end="\r\n", closed=False, at_once=3)  # what is read ends between \r and \n
def test_runs_of_wrong_records_are_counted_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[tuple[int, int, bool]],
    end: str,
    closed: bool,
    at_once: int,
) -> None:
    """fields, records alike, and whether a quote stands in them."""
    records = [
        ",".join(['"a, b"' if quoted and not n else f"x{n}" for n in range(fields)])
        for fields, times, quoted in runs
        for _ in range(times)
    ]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text(end.join(["text,n", *records]) + (end if closed else ""), newline="")
    wrong = [[number, f"{record.count(',') + 1 - record.count('b')} fields"] for number, record in enumerate(records)]
    wrong = [one for one in wrong if not one[1].startswith("2 ")]
    before = delimited.BLANKS_AT_ONCE
    delimited.BLANKS_AT_ONCE = at_once
    try:
        batches = list(read(str(path), Wanted(batch_bytes=100), format="csv"))
    finally:
        delimited.BLANKS_AT_ONCE = before
    assert sum(batch.bad for batch in batches) == len(wrong)
    numbers = {number for number, _ in wrong}
    read_ = [row for batch in batches for row in batch.documents["row"].to_pylist()]
    assert read_ == [number for number in range(len(records)) if number not in numbers]
    named = {number: reason for batch in batches for number, reason in batch.bad_rows}
    assert all(reason.startswith(dict(wrong)[number]) for number, reason in named.items())
