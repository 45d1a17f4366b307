"""`dedup.keep` by a value: of copies, near and exact ones, the one with the greatest or the least stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl

ROWS = [  # (more words, date, stars, licence)
    ("", "2026-01-01", 3, "mit"),
    (" and one more", "2026-03-01", 9, "apache"),
    (" and two more words", None, 1, "zlib"),
    (" and", "2026-02-01T10:00:00Z", None, None),
]


def kept(syllabus: Command, folder: Path, keep: Any, **dedup: Any) -> int:
    """The row that stays of four near copies, each in a partition of its own."""
    (text,) = texts(1, seed=4)
    for number, (more, date, stars, licence) in enumerate(ROWS):
        row = {"text": text + more, "date": date, "stars": stars, "licence": licence}
        write_jsonl(folder / "raw" / f"{number}.jsonl", [row])
    recipe = recipe_of(
        folder,
        sources=[{"name": "a", "paths": [str(folder / "raw" / "*.jsonl")]}],
        clean={},
        dedup={"keep": keep, **dedup},
        tags={
            "stars": {"from": "number", "column": "stars"},
            "licence": {"from": "column", "column": "licence"},
            "tier": {"from": "score_buckets", "by": "stars", "buckets": 2},
        },
        conditioning=None,
        phases=[{"name": "all"}],
        engine={"partition_bytes": "1KB"},
    )
    run = syllabus("run", str(recipe))
    assert run.returncode == 0, run.stderr
    (path,) = (release_of(folder) / "shards").glob("*.parquet")
    (left,) = pl.read_parquet(path)["text"]
    return [text + more for more, *_ in ROWS].index(left)


@pytest.mark.parametrize(
    ("keep", "row"),
    [
        ("first", 0),
        ("latest", 1),
        ({"by": "date"}, 1),
        ({"by": "date", "most": False}, 0),
        ({"by": "tokens"}, 2),
        ({"by": "tokens", "most": False}, 0),
        ({"by": "stars"}, 1),
        ({"by": "stars", "most": False}, 2),
        ({"by": "licence"}, 2),
        ({"by": "licence", "most": False}, 1),
    ],
)
def test_the_one_with_the_value_stays(syllabus: Command, tmp_path: Path, keep: Any, row: int) -> None:
    assert kept(syllabus, tmp_path, keep) == row


@pytest.mark.parametrize(("by", "left"), [("source", "b"), ("rank", "a"), ("url", "b")])
def test_by_the_source_or_what_it_says_of_itself(syllabus: Command, tmp_path: Path, by: str, left: str) -> None:
    for name in "ab":
        write_jsonl(tmp_path / "raw" / f"{name}.jsonl", [{"text": "one", "url": f"https://{name}.example"}])
    sources = [{"name": name, "paths": [str(tmp_path / "raw" / f"{name}.jsonl")]} for name in "ab"]
    recipe = recipe_of(
        tmp_path,
        sources=[{**sources[0], "tags": {"rank": "9"}}, {**sources[1], "tags": {"rank": "1"}}],
        clean={},
        dedup={"keep": {"by": by}},
        tags={},
        conditioning=None,
        phases=[{"name": "all"}],
    )
    assert syllabus("run", str(recipe)).returncode == 0
    (path,) = (release_of(tmp_path) / "shards").glob("*.parquet")
    assert pl.read_parquet(path)["source"].to_list() == [left]


def test_of_exact_copies_too(syllabus: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "raw" / "a.jsonl", [{"text": "one", "date": f"2026-01-0{day}"} for day in (2, 5, 3)])
    recipe = recipe_of(
        tmp_path,
        sources=[{"name": "a", "paths": [str(tmp_path / "raw" / "*.jsonl")]}],
        clean={},
        dedup={"keep": "latest", "minhash": None},
        tags={"day": {"from": "column", "column": "date"}},
        conditioning=None,
        phases=[{"name": "all"}],
    )
    assert syllabus("run", str(recipe)).returncode == 0
    (path,) = (release_of(tmp_path) / "shards").glob("*.parquet")
    assert pl.read_parquet(path)["day"].to_list() == ["2026-01-05"]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("tier", "'tier' is fitted to the pool"),
        ("star", "names 'star', which is no declared tag"),
        ("quality", "needs clean.classifier"),
    ],
)
def test_a_value_that_is_not_there_is_named(syllabus: Command, tmp_path: Path, by: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        kept(syllabus, tmp_path, {"by": by})
