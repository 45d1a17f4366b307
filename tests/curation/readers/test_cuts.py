"""A big file cut into slices gives what the whole file gives, whatever its compression and wherever its members end."""

from __future__ import annotations

import bz2
import gzip
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import storage
from curation.readers import read_files
from curation.readers.cuts import Marks, member_marks, plain_marks
from curation.readers.documents import Wanted
from tests.conftest import Command, release_of, texts

SKIPPED = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
MEMBERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gz", lambda piece: gzip.compress(piece, mtime=0)),
    "padded gzip": ("gz", lambda piece: gzip.compress(piece, mtime=0) + b"\0" * 7),
    "zstd": ("zst", zstandard.ZstdCompressor().compress),
    "pzstd": ("zst", lambda piece: SKIPPED + zstandard.ZstdCompressor().compress(piece)),
    "bz2": ("bz2", bz2.compress),
}
NAMES = {"gz": "gzip", "zst": "zstd", "bz2": "bz2"}
LINE = st.one_of(
    st.text(max_size=60).map(lambda text: json.dumps({"text": text}, ensure_ascii=False).encode()),
    st.sampled_from(
        [b"", b"  ", b"{", b'{"text": "a"}{"text": "b"}', b'{"text": "a"}, {"text": "b"}', b"\xff\xfe", b"\r"]
    ),
)


def documents(url: str, compression: str | None, marks: Marks) -> tuple[list[tuple[int, str]], list[int]]:
    """Row and text of all documents, and the bad rows, of a file that is read slice by slice."""
    wanted = Wanted(
        text="text",
        id=None,
        url=None,
        date=None,
        records=None,
        prompt=None,
        required=("text",),
        extra={},
        batch_bytes=100,
    )
    found, bad = [], []
    for (start, row), stop in zip(marks, [*(place for place, _ in marks[1:]), None], strict=True):
        for batch in read_files.read(
            url, wanted, format="jsonl", compression=compression, start=start, stop=stop, first_row=row
        ):
            found += list(zip(batch.documents["row"].to_pylist(), batch.documents["text"].to_pylist(), strict=True))
            bad += [row for row, _ in batch.bad_rows]
    return found, bad


@settings(max_examples=150, deadline=None)
@given(
    st.lists(LINE, max_size=40),
    st.sampled_from(sorted(MEMBERS)),
    st.lists(st.integers(0, 3000), max_size=12),
    st.integers(1, 400),
    st.booleans(),
    st.booleans(),
)
def test_slices_give_what_the_file_gives(
    lines: list[bytes], kind: str, ends: list[int], every: int, bom: bool, last_ends: bool
) -> None:
    plain = b'{"text": "first"}\n' + b"\n".join(lines) + (b"\n" if last_ends else b"")
    plain = (b"\xef\xbb\xbf" if bom else b"") + plain
    ending, compress = MEMBERS[kind]
    cuts = [0, *sorted(end % (len(plain) + 1) for end in ends), len(plain)]
    packed = b"".join(compress(plain[a:b]) for a, b in itertools.pairwise(cuts))
    with tempfile.TemporaryDirectory() as folder:
        for name, content, compression in (("a.jsonl", plain, None), (f"a.jsonl.{ending}", packed, NAMES[ending])):
            url = str(Path(folder, name))
            Path(url).write_bytes(content)
            blocks = storage.blocks(url)
            marks = plain_marks(blocks, every) if compression is None else member_marks(blocks, compression, every)
            whole = documents(url, compression, ((0, 0),))
            assert documents(url, compression, marks or ((0, 0),)) == whole


@pytest.mark.parametrize("kind", sorted(MEMBERS))
def test_an_empty_member_is_not_the_end(kind: str, tmp_path: Path) -> None:
    ending, compress = MEMBERS[kind]
    pieces = [b'{"text": "a"}\n', b"", b'{"text": "b"}\n', b""]
    path = tmp_path / f"a.jsonl.{ending}"
    path.write_bytes(b"".join(map(compress, pieces)))
    assert documents(str(path), NAMES[ending], ((0, 0),)) == ([(0, "a"), (1, "b")], [])


@pytest.mark.parametrize("kind", sorted(MEMBERS))
def test_a_cut_in_every_member_that_a_line_starts_in(kind: str, tmp_path: Path) -> None:
    _, compress = MEMBERS[kind]
    line = b'{"text": "' + b"x" * 100 + b'"}\n'
    path = tmp_path / "a"
    path.write_bytes(b"".join(compress((line * 50)[i : i + 77]) for i in range(0, 50 * len(line), 77)))
    marks = member_marks(storage.blocks(str(path)), NAMES[MEMBERS[kind][0]], 1)
    assert [row for _, row in marks] == list(range(50))


def test_one_long_member_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b'{"text": "a"}\n' * 1_000_000))
    assert member_marks(storage.blocks(str(path)), "gzip", 1000) == ()


@pytest.mark.slow
def test_a_run_over_members_gives_the_same_shards(tmp_path: Path, syllabus: Command) -> None:
    plain = "".join(json.dumps({"text": text}) + "\n" for text in texts(300, seed=3)).encode()
    pieces = [plain[i : i + 5000] for i in range(0, len(plain), 5000)]
    shards = {}
    for kind in ("gzip", "zstd"):
        ending, compress = MEMBERS[kind]
        folder = tmp_path / kind
        folder.mkdir()
        (folder / f"a.jsonl.{ending}").write_bytes(b"".join(map(compress, pieces)))
        for size in (20_000, 100_000_000):
            (tmp_path / "recipe.yaml").write_text(
                f"name: n{size}\noutput: {folder}/out\nengine: {{partition_bytes: {size}}}\n"
                f"sources: [{{name: a, paths: ['{folder}/a.jsonl.{ending}']}}]\ndedup: {{minhash: {{}}}}\n"
            )
            made = syllabus("run", "recipe.yaml")
            assert made.returncode == 0, made.stderr
            release = release_of(folder, f"n{size}")
            shards[kind, size] = [path.read_bytes() for path in sorted((release / "shards").iterdir())]
            prepared = list((folder / "out" / f"n{size}" / ".cache" / "prepared").iterdir())
            assert (len(prepared) > 5) == (size == 20_000)
    assert len({tuple(one) for one in shards.values()}) == 1
