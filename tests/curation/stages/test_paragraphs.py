"""Repeated paragraphs, lines and sentences: what goes and what stays, held to a plain count over all documents."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages import paragraphs
from schemas.dedup import Paragraphs
from schemas.work import Prepared, SliceRead


def partition(folder: Path, number: int, texts: list[str], urls: list[str | None] | None = None) -> Prepared:
    place = folder / str(number)
    place.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {"text": pa.array(texts, pa.large_string()), "url": pa.array(urls or [None] * len(texts), pa.string())}
    )
    pq.write_table(table, place / "documents.parquet", row_group_size=3)
    empty: dict[str, Any] = {"dropped": {}, "edits": [], "reasons": [], "columns": [], "files": {}}
    return Prepared(str(place), "k", [SliceRead(len(texts), 0)], len(texts), **empty)


@dataclass
class Done:
    texts: list[str]
    dropped: dict[tuple[int, int], str]
    edits: tuple[int, int]


def run(folder: Path, parts: list[Prepared], params: Paragraphs, ranges: int = 1) -> Done:
    paths = [
        paragraphs.find(part, np.arange(part.kept), params, str(folder / f"u{i}.parquet"))
        for i, part in enumerate(parts)
    ]
    cuts = pa.concat_tables([paragraphs.repeated(paths, params, place, ranges) for place in range(ranges)])
    texts: list[str] = []
    dropped: dict[tuple[int, int], str] = {}
    edits = (0, 0)
    for number, part in enumerate(parts):
        made, decided, (n, units) = paragraphs.cut(
            part, number, paragraphs.cuts_of(cuts, number), params, str(folder / f"d{number}.parquet")
        )
        texts += pq.read_table(made.documents_path)["text"].to_pylist()
        for row in decided.to_pylist():
            dropped[row["partition"], row["index"]] = row["rule"]
        edits = (edits[0] + n, edits[1] + units)
    return Done(texts, dropped, edits)


def plain(documents: list[str], pattern: str, joined: str, min_chars: int, max_repeats: int) -> list[str]:
    """Each document without the units that stood ``max_repeats`` times before."""
    seen: Counter[str] = Counter()
    left = []
    for text in documents:
        kept = []
        for unit in re.split(pattern, text.strip("\n")):
            normal = " ".join(unit.lower().split())
            if len(normal.replace(" ", "")) >= max(min_chars, 1):
                seen[normal] += 1
                if seen[normal] > max_repeats:
                    continue
            kept.append(unit)
        left.append(re.sub(r"\s+", " ", joined.join(kept)).strip())
    return left


lines = st.sampled_from(["alpha beta", "Alpha  Beta", "gamma", "delta epsilon zeta", "x", "", "  ", "日本語", "a. b"])
documents = st.lists(st.lists(lines, max_size=8).map("\n".join), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(documents, st.integers(1, 2), st.sampled_from([0, 6]), st.integers(0, 6))
@pytest.mark.parametrize(("unit", "pattern"), [("line", r"\n"), ("paragraph", r"\n(?:[ \t]*\n)+")])
def test_equals_a_plain_count(
    tmp_path_factory: pytest.TempPathFactory,
    unit: str,
    pattern: str,
    documents: list[str],
    max_repeats: int,
    min_chars: int,
    where: int,
) -> None:
    folder = tmp_path_factory.mktemp("p")
    params = Paragraphs.model_validate({"unit": unit, "min_chars": min_chars, "max_repeats": max_repeats})
    parts = [partition(folder, 0, documents[:where]), partition(folder, 1, documents[where:])]
    done = run(folder, [part for part in parts if part.kept], params)
    wanted = plain(documents, pattern, "\n\n" if unit == "paragraph" else "\n", min_chars, max_repeats)
    for before, after, expected in zip(documents, done.texts, wanted, strict=True):
        if expected:
            assert re.sub(r"\s+", " ", after).strip() == expected
        else:
            assert after == before  # dropped, or blank as it was
    assert Counter(done.dropped.values()).get("nothing_left", 0) == sum(
        not new and bool(old.strip()) for old, new in zip(documents, wanted, strict=True)
    )


def test_ranges_of_hashes_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"shared line here\nown line {i}\nanother shared one" for i in range(40)]
    params = Paragraphs(unit="line", min_chars=5)
    whole = run(tmp_path / "a", [partition(tmp_path / "a", 0, texts)], params)
    monkeypatch.setattr(paragraphs, "UNITS_AT_ONCE", 7)
    cut = run(tmp_path / "b", [partition(tmp_path / "b", 0, texts)], params)
    assert whole == cut
    assert run(tmp_path / "c", [partition(tmp_path / "c", 0, texts)], params, ranges=5) == whole
    assert whole.texts[1:] == [f"own line {i}" for i in range(1, 40)]
    assert whole.edits == (39, 78)


def test_sentence_spans(tmp_path: Path) -> None:
    shared = "One is here. Two is there. Three is gone."
    texts = [f"Before it. {shared} After it.", f"Quite new. {shared}", "Two is there. Three is gone."]
    done = run(tmp_path, [partition(tmp_path, 0, texts)], Paragraphs(unit="sentences", span=3))
    assert done.texts == [texts[0], "Quite new.", texts[2]]
    assert done.edits == (1, 1)
    few = run(
        tmp_path, [partition(tmp_path, 0, texts)], Paragraphs(unit="sentences", span=3, min_sentences=3, min_words=2)
    )
    assert few.dropped == {(0, 1): "too_few_sentences"}
    assert few.texts == texts
    words = run(tmp_path, [partition(tmp_path, 0, texts)], Paragraphs(unit="sentences", span=3, min_words=3))
    assert words.dropped == {(0, 1): "too_few_words"}


def test_c4_lines_stay_on_the_page_with_the_least_md5(tmp_path: Path) -> None:
    urls = ["http://a.org", "http://b.org", "http://c.org"]
    texts = [f"The very same line stands here.\nOnly {url} has this line." for url in urls]
    done = run(tmp_path, [partition(tmp_path, 0, texts, urls)], Paragraphs(unit="c4_lines", min_chars=0))
    keeper = min(urls, key=lambda url: hashlib.md5(url.encode()).hexdigest())
    assert [text.startswith("The very same") for text in done.texts] == [url == keeper for url in urls]


def test_a_partition_without_a_repeat_is_given_back(tmp_path: Path) -> None:
    part = partition(tmp_path, 0, ["one line of text that nobody else has at all"])
    made, decided, counts = paragraphs.cut(part, 0, np.zeros((0, 2), np.int32), Paragraphs(), str(tmp_path / "x"))
    assert made is part
    assert counts == (0, 0)
    assert not len(decided)
    assert replace(part, rewritten="y").documents_path == "y"
