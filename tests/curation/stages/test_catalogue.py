"""Files to partitions: every slice once and in order, of bounded weight, and a file more re-cuts its neighbourhood only."""

from __future__ import annotations

import errno
import hashlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import storage
from curation.stages import catalogue as stage
from curation.stages.catalogue import OPENING_BYTES, partitions
from schemas.sources import Source
from schemas.work import Input, Partition

SIZE = 10_000_000


@pytest.mark.parametrize(("times", "why"), [(2, None), (3, "cannot be opened: ")])
def test_a_file_that_cannot_be_read_at_once_is_tried_again(
    times: int, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    sha256, tried = storage.sha256, []

    def fails(url: str) -> str:
        tried.append(url)
        if len(tried) <= times:
            raise OSError(errno.EIO, "Input/output error")
        return sha256(url)

    monkeypatch.setattr(storage, "sha256", fails)
    monkeypatch.setattr(stage, "TRIED_AGAIN_AFTER", (0.0, 0.0))
    source = Source(name="a", paths=[str(tmp_path / "*.jsonl")])
    (found,) = stage.catalogue([source], partition_bytes=SIZE, known={})
    assert len(tried) == 3
    assert found.fault is None if why is None else (found.fault or "").startswith(why)


def made(name: str, size: int, *, source: int = 0, marks: int = 1, **fields: str) -> Input:
    """A file of this size, its content told by its name."""
    fingerprint = hashlib.sha256(name.encode()).hexdigest()
    cuts = tuple((i * SIZE, i) for i in range(marks)) if marks > 1 else ()
    return Input(f"s{source}", source, name, name, size, "v", fingerprint, "jsonl", marks=cuts, **fields)


def contents(files: list[Input], partition: Partition) -> tuple[tuple[str, int, int | None], ...]:
    """What a partition reads, whatever the places of the files."""
    return tuple((files[one.input].fingerprint, one.start, one.stop) for one in partition.slices)


FILES = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 2 * SIZE), st.integers(1, 4), st.sampled_from(["", "fault", "same_as"])
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(FILES)
def test_every_slice_once_in_order_and_none_too_heavy(drawn: list[tuple[int, int, int, str]]) -> None:
    drawn.sort(key=lambda one: one[0])
    files = [
        made(f"f{i}", size, source=source, marks=marks, **({what: "x"} if what else {}))
        for i, (source, size, marks, what) in enumerate(drawn)
    ]
    found = partitions(files, SIZE)
    slices = [one for partition in found for one in partition.slices]
    assert [(s.input, s.start) for s in slices] == sorted((s.input, s.start) for s in slices)
    wanted = [i for i, file in enumerate(files) for _ in file.marks or (0,) if not file.fault and not file.same_as]
    assert [s.input for s in slices] == wanted
    for partition in found:
        assert {files[s.input].source_index for s in partition.slices} == {partition.source_index}
        weights = [files[s.input].bytes // max(len(files[s.input].marks), 1) + OPENING_BYTES for s in partition.slices]
        assert sum(weights) <= SIZE or len(weights) == 1


def test_small_files_share_partitions() -> None:
    files = [made(f"f{i}", 2_000) for i in range(20_000)]
    found = partitions(files, SIZE)
    mean = 20_000 * (2_000 + OPENING_BYTES) / len(found)
    assert 0.35 * SIZE < mean < SIZE


def test_a_file_more_or_less_recuts_its_neighbourhood_only() -> None:
    draw = random.Random(5)
    files = [made(f"f{i:05d}", draw.randrange(200_000)) for i in range(3_000)]
    before = {contents(files, one) for one in partitions(files, SIZE)}
    for _ in range(30):
        place = draw.randrange(len(files))
        more = [*files[:place], made(f"new{place}", draw.randrange(200_000)), *files[place:]]
        assert len({contents(more, one) for one in partitions(more, SIZE)} - before) <= 3
        fewer = [*files[:place], *files[place + 1 :]]
        assert len({contents(fewer, one) for one in partitions(fewer, SIZE)} - before) <= 3
