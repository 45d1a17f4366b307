"""How many documents each one stands for: through recipes, week by week, and against a count of everything at once."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.stages.copies import Counted, ends
from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl

WEEKS = 10


def a_stream(folder: Path) -> Counter[str]:
    """Ten weeks of documents that come again, now and then with a word more; how often each one came, by its first words."""
    draw, pool = random.Random(7), texts(40, seed=9, words=60)
    came: Counter[str] = Counter()
    for week in range(WEEKS):
        rows = []
        for number in range(25):
            text = draw.choice(pool[: 8 + 3 * week])
            came[text[:80]] += 1
            rows.append({"text": text if draw.random() < 0.6 else f"{text} {week}", "id": f"{week}-{number}"})
        write_jsonl(folder / "raw" / f"week{week}.jsonl", rows)
    return came


def a_recipe(folder: Path, files: str, *, name: str = "tried", **dedup: Any) -> str:
    return str(
        recipe_of(
            folder,
            name=name,
            sources=[{"name": "a", "paths": [str(folder / "raw" / files)]}],
            clean={},
            dedup={"minhash": {"min_similarity": 0.6}, **dedup},
            tags={},
            conditioning=None,
            phases=[{"name": "all"}],
            shards={"copies": True},
            engine={"partition_bytes": "8KB", "workers": 2},
        )
    )


def pool_of(release: Path) -> dict[str, int]:
    frames = [pl.read_parquet(path, columns=["id", "copies"]) for path in sorted((release / "pool").glob("*.parquet"))]
    return {one.hex(): copies for one, copies in pl.concat(frames).iter_rows()}


def shards(release: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted((release / "shards").glob("*.parquet"))])


@pytest.mark.slow
def test_a_stream_counts_as_a_run_over_everything_does(syllabus: Command, tmp_path: Path) -> None:
    came = a_stream(tmp_path)
    total: dict[str, int] = {}
    first_words: dict[str, str] = {}
    for week in range(WEEKS):
        assert syllabus("run", a_recipe(tmp_path, f"week[0-{week}].jsonl", history=True)).returncode == 0
        release = release_of(tmp_path)
        total |= pool_of(release)
        for path in (release / "copies").glob("*.parquet"):
            table = pl.read_parquet(path)
            assert table.columns == ["id", "release", "added", "copies"]
            for row in table.iter_rows(named=True):
                assert row["copies"] == total[row["id"]] + row["added"]
                total[row["id"]] = row["copies"]
        written = shards(release)
        assert dict(zip(written["id"], written["copies"], strict=True)) == pool_of(release)
        first_words |= {one: text[:80] for one, text in zip(written["id"], written["text"], strict=True)}
    assert sum(total.values()) == 25 * WEEKS
    assert Counter({first_words[one]: copies for one, copies in total.items()}) == came
    assert syllabus("run", a_recipe(tmp_path, "*.jsonl", name="once")).returncode == 0
    assert pool_of(release_of(tmp_path, "once")) == total


def test_what_a_document_stands_for_can_be_mixed_tagged_and_asked_for(syllabus: Command, tmp_path: Path) -> None:
    (a, b, c) = texts(3, seed=3)
    rows = [a, a, a, f"{a} more", b, b, c]
    write_jsonl(tmp_path / "raw" / "a.jsonl", [{"text": text} for text in rows])
    settings = (
        "tags={often: {from: score_buckets, by: copies, edges: [2, 4]}}",
        "conditioning={template: 'came {copies} times. '}",
        "mixture={by: often, method: uniform}",
    )
    run = syllabus("run", a_recipe(tmp_path, "*.jsonl"), *(part for one in settings for part in ("--set", one)))
    assert run.returncode == 0, run.stderr
    release = release_of(tmp_path)
    written = shards(release).sort("copies")
    assert written["copies"].to_list() == [1, 2, 4]
    assert written["copies"].dtype == pl.Int64
    assert written.columns[-2:] == ["often", "copies"]
    assert written["often"].to_list() == ["1", "2", "3"]
    assert written["text"].to_list() == [f"came {n} times. {text}" for n, text in ((1, c), (2, b), (4, a))]
    told = syllabus("explain", str(release), written["id"][2]).stdout
    assert "it stands for 4 documents" in told
    assert syllabus("verify", str(release)).returncode == 0


def test_a_selector_reads_the_copies(syllabus: Command, tmp_path: Path) -> None:
    (a, b, c) = texts(3, seed=3)
    write_jsonl(tmp_path / "raw" / "a.jsonl", [{"text": text} for text in [a, b, b, c, c, c]])
    phases = "[{name: all, pool: {where: {copies: {min: 2}}, select: [{method: top, by: copies, documents: 1}]}}]"
    run = syllabus("run", a_recipe(tmp_path, "*.jsonl"), "--set", f"phases={phases}")
    assert run.returncode == 0, run.stderr
    assert shards(release_of(tmp_path))["text"].to_list() == [c]


def test_clusters_stand_in_a_table(syllabus: Command, tmp_path: Path) -> None:
    (a, b, c) = texts(3, seed=3)
    write_jsonl(tmp_path / "raw" / "week0.jsonl", [{"text": text} for text in [a, a, f"{a} more", f"{a} more", b]])
    assert syllabus("run", a_recipe(tmp_path, "week0.jsonl", history=True, write_clusters=True)).returncode == 0
    release = release_of(tmp_path)
    rows = pl.concat([pl.read_parquet(path) for path in (release / "duplicates").glob("*.parquet")]).sort("row")
    first = rows["id"][0]
    assert rows.columns[:6] == ["cluster", "id", "source", "path", "row", "stays"]
    assert rows["cluster"].to_list() == [first] * 4
    assert rows["stays"].to_list() == [True, False, False, False]
    assert rows["stage"].to_list() == [None, "exact", "minhash", "exact"]
    assert rows["kept_id"].to_list() == [None, first, first, rows["id"][2]]
    assert rows["similarity"][1] == 1.0
    assert 0.6 <= rows["similarity"][2] < 1.0
    write_jsonl(tmp_path / "raw" / "week1.jsonl", [{"text": text} for text in [f"{a} again", f"{a} again", c]])
    assert syllabus("run", a_recipe(tmp_path, "week?.jsonl", history=True, write_clusters=True)).returncode == 0
    rows = pl.concat([pl.read_parquet(path) for path in (release_of(tmp_path) / "duplicates").glob("*.parquet")])
    assert rows["cluster"].to_list() == [first] * 2
    assert sorted(rows["stage"]) == ["exact", "history"]
    assert syllabus("run", a_recipe(tmp_path, "*.jsonl", name="without")).returncode == 0
    assert not (release_of(tmp_path, "without") / "duplicates").exists()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_what_is_handed_on_is_never_lost(back: list[int]) -> None:
    """A chain of stages, in each of which some documents go for earlier ones that are left."""
    n, counted = len(back) + 1, Counted()
    left = list(range(n))
    pairs: list[tuple[int, int]] = []
    for step in back:
        if len(left) < 2:
            break
        gone = left.pop(1 + step % (len(left) - 1))
        kept = left[step % len(left)]
        counted.hand_on(np.array([gone]), np.array([kept]))
        pairs.append((gone, kept))
    assert int((1 + counted.of(np.array(left))).sum()) == n
    dropped, kept_of = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    assert set(ends(dropped, kept_of).tolist()) <= set(left)


@pytest.mark.parametrize("name", ["copies", "id"])
def test_who_stays_cannot_hang_on_what_is_not_known_yet(syllabus: Command, tmp_path: Path, name: str) -> None:
    write_jsonl(tmp_path / "raw" / "a.jsonl", [{"text": "a"}])
    run = syllabus("run", a_recipe(tmp_path, "*.jsonl", keep={"by": name}))
    assert run.returncode == 2
    assert "dedup.keep.by" in run.stderr
