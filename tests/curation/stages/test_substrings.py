"""Repeated substrings through recipes: what the shards hold is what a table of all windows leaves, in whatever pieces it is made."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curation.dedup import anchors
from schemas.dedup import Dedup
from tests.conftest import Command, recipe_of, release_of, shard_bytes, write_jsonl
from tests.repeats import SCRIPTS, by_hand, whole_characters

MIN_BYTES = 80
Row = dict[str, Any]


def a_corpus(folder: Path, weeks: int = 1, each: int = 60) -> list[str]:
    """Documents of several scripts that share sentences, whole passages and one footer; the texts in document order."""
    draw = random.Random(5)
    sentences = [
        " ".join("".join(draw.choices(script, k=draw.randrange(2, 9))) for _ in range(draw.randrange(4, 12))) + ". "
        for script in SCRIPTS
        for _ in range(12)
    ]
    footer = (
        "<script>alert(1)</script> The same words stand at the end of every page of this site, and nobody reads them. "
    )
    found = []
    for week in range(weeks):
        rows = []
        for number in range(each):
            own = "".join(draw.choices("abcdefghij ", k=draw.randrange(20, 200)))
            text = own + "".join(draw.choices(sentences, k=draw.randrange(1, 9))) + f"{week}-{number}: "
            text += footer if number % 3 else "\n".join(["-" * 70] * 8)
            rows.append({"text": text, "id": f"{week}-{number}"})
        rows.append({"text": footer.strip(), "id": f"{week}-footer"})
        write_jsonl(folder / "raw" / f"week{week}" / "a.jsonl", rows)
        found += [row["text"] for row in rows]
    return found


def a_recipe(folder: Path, weeks: str = "*", *, name: str = "tried", history: bool = False, **params: Any) -> str:
    return str(
        recipe_of(
            folder,
            name=name,
            sources=[{"name": "a", "paths": [str(folder / "raw" / weeks / "*.jsonl")]}],
            clean={},
            dedup={
                "minhash": None,
                "exact": history,
                "history": history,
                "substrings": {"min_bytes": MIN_BYTES, **params},
            },
            tags={},
            conditioning=None,
            phases=[{"name": "all"}],
            engine={"partition_bytes": "20KB", "workers": 2},
        )
    )


def without(texts: Sequence[str], min_bytes: int = MIN_BYTES, **how: bool) -> list[str]:
    """The texts as they should be: their bytes by a table of all windows."""
    documents = [text.encode() for text in texts]
    gone = whole_characters(documents, by_hand(documents, min_bytes, **how))
    found, at = [], 0
    for one in documents:
        mask = gone[at : at + len(one)]
        found.append(bytes(byte for byte, out in zip(one, mask, strict=True) if not out).decode())
        at += len(one)
    return found


def shards(release: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted((release / "shards").glob("*.parquet"))])


def tables(release: Path, folder: str) -> list[Row]:
    return [row for path in sorted((release / folder).rglob("*.parquet")) for row in pl.read_parquet(path).to_dicts()]


@pytest.mark.slow
def test_the_shards_hold_what_a_table_of_all_windows_leaves(syllabus: Command, tmp_path: Path) -> None:
    texts = a_corpus(tmp_path)
    assert syllabus("run", a_recipe(tmp_path)).returncode == 0
    release = release_of(tmp_path)
    left = [text for text in without(texts) if text.strip()]
    assert sorted(shards(release)["text"]) == sorted(left) != sorted(texts)
    manifest = json.loads((release / "manifest.json").read_text())
    stage = next(one for one in manifest["funnel"] if one["stage"] == "substrings")
    assert stage["dropped"] == {"nothing_left": len(texts) - len(left)}
    (edit,) = manifest["edits"]
    assert (edit["stage"], edit["rule"]) == ("substrings", "cut")
    assert edit["documents"] > 10
    (source,) = manifest["substrings"]
    before = sum(len(text.encode()) for text in texts)
    assert source["bytes_before"] == before
    assert source["documents_before"] == len(texts)
    assert source["repeated_bytes"] == before - sum(len(text.encode()) for text in without(texts))
    assert syllabus("verify", str(release)).returncode == 0


def test_each_cut_stands_in_a_table_with_its_first_occurrence(syllabus: Command, tmp_path: Path) -> None:
    texts = a_corpus(tmp_path)
    assert syllabus("run", a_recipe(tmp_path)).returncode == 0
    release = release_of(tmp_path)
    places = {row["id"]: (row["path"], row["row"]) for row in tables(release, "documents")}
    rows = [json.loads(line)["text"] for line in (tmp_path / "raw" / "week0" / "a.jsonl").read_text().splitlines()]
    assert rows == texts
    spans = tables(release, "substrings")
    assert list(spans[0]) == ["id", "source", "path", "row", "start", "end", "first_id", "first_start"]
    for span in spans:
        here, there = texts[span["row"]].encode(), texts[places[span["first_id"]][1]].encode()
        size = min(MIN_BYTES // 2, span["end"] - span["start"])
        assert here[span["start"] :][:size] == there[span["first_start"] :][:size]
        assert (span["row"], span["start"]) > (places[span["first_id"]][1], span["first_start"])
    asked = next(span for span in spans if span["first_id"] != span["id"])
    told = syllabus("explain", str(release), asked["id"]).stdout
    assert f"stood before, first in {asked['first_id']}" in told
    page = (release / "report.html").read_text()
    assert "Repeated substrings" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


@pytest.mark.slow
def test_any_pieces_give_the_same_bytes(syllabus: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One partition and one range of keys, or many of each, on one worker or three."""
    a_corpus(tmp_path, each=120)
    made = []
    for name, shelf, engine in (  # processes of their own know nothing of the patch
        ("one", anchors.SHELF_BYTES, "{partition_bytes: 1GB, workers: 1}"),
        ("many", 5000, "{partition_bytes: 20KB, workers: 3}"),
        ("processes", anchors.SHELF_BYTES, "{kind: processes, partition_bytes: 20KB, workers: 2}"),
    ):
        monkeypatch.setattr(anchors, "SHELF_BYTES", shelf)
        run = syllabus("run", a_recipe(tmp_path), "--set", f"name={name}", "--set", f"engine={engine}")
        assert run.returncode == 0, run.stderr
        release = release_of(tmp_path, name)
        spans = [
            {key: row[key] for key in ("id", "start", "end", "first_id", "first_start")}
            for row in tables(release, "substrings")
        ]
        made.append((shard_bytes(release), spans))
    assert made[0] == made[1] == made[2]


def test_first_occurrences_go_as_well_where_none_is_to_stay(syllabus: Command, tmp_path: Path) -> None:
    texts = a_corpus(tmp_path)
    assert syllabus("run", a_recipe(tmp_path, keep="none")).returncode == 0
    left = [text for text in without(texts, all_of_them=True) if text.strip()]
    assert sorted(shards(release_of(tmp_path))["text"]) == sorted(left)


@pytest.mark.slow
def test_drop_changes_no_text_and_report_drops_nothing(syllabus: Command, tmp_path: Path) -> None:
    texts = a_corpus(tmp_path)
    left = without(texts)
    assert syllabus("run", a_recipe(tmp_path, action="drop")).returncode == 0
    whole = [text for text, cut in zip(texts, left, strict=True) if text == cut]
    assert sorted(shards(release_of(tmp_path))["text"]) == sorted(whole)
    dropped = tables(release_of(tmp_path), "dropped/substrings")
    assert {row["rule"] for row in dropped} == {"nothing_left", "share"}
    assert all(row["value"] < row["threshold"] == 1.0 for row in dropped if row["rule"] == "share")
    assert syllabus("run", a_recipe(tmp_path, name="half", action="drop", min_left=0.5)).returncode == 0
    shares = [len(cut.encode()) / len(text.encode()) for text, cut in zip(texts, left, strict=True)]
    half = [text for text, share in zip(texts, shares, strict=True) if share >= 0.5]
    assert sorted(shards(release_of(tmp_path, "half"))["text"]) == sorted(half) != sorted(whole)
    assert syllabus("run", a_recipe(tmp_path, name="report", action="report")).returncode == 0
    release = release_of(tmp_path, "report")
    assert sorted(shards(release)["text"]) == sorted(texts)
    gone = sum(row["end"] - row["start"] for row in tables(release, "substrings"))
    assert gone == sum(len(text.encode()) for text in texts) - sum(len(cut.encode()) for cut in left)


def test_a_document_with_too_little_left_goes_whole(syllabus: Command, tmp_path: Path) -> None:
    texts = a_corpus(tmp_path)
    assert syllabus("run", a_recipe(tmp_path, min_left=0.6)).returncode == 0
    kept = [
        cut
        for text, cut in zip(texts, without(texts), strict=True)
        if cut.strip() and len(cut.encode()) / len(text.encode()) >= 0.6
    ]
    assert sorted(shards(release_of(tmp_path))["text"]) == sorted(kept)


def test_cuts_keep_to_lines_and_close_gaps(syllabus: Command, tmp_path: Path) -> None:
    line = "This line is long enough to be a window of its own, and it stands twice in the corpus, as said.\n"
    rows = [line, f"own beginning {line}then own words.\n{line}x\n{line}finis"]
    write_jsonl(tmp_path / "raw" / "week0" / "a.jsonl", [{"text": text} for text in rows])
    assert syllabus("run", a_recipe(tmp_path, boundary="line")).returncode == 0
    assert sorted(shards(release_of(tmp_path))["text"]) == sorted(
        [line, f"own beginning {line}then own words.\nx\nfinis"]
    )
    assert syllabus("run", a_recipe(tmp_path, name="gaps", close_gaps=2)).returncode == 0
    assert sorted(shards(release_of(tmp_path, "gaps"))["text"]) == sorted(
        [line, "own beginning then own words.\nfinis"]
    )


def test_a_second_week_is_cut_by_the_first(syllabus: Command, tmp_path: Path) -> None:
    """A stream holds what one run over all weeks would; no window of a later week stood in an earlier one."""
    texts = a_corpus(tmp_path, weeks=3, each=40)
    found: list[str] = []
    for week in range(3):
        recipe = a_recipe(tmp_path, f"week[0-{week}]", history=True)
        assert syllabus("run", recipe).returncode == 0
        found += list(shards(release_of(tmp_path))["text"])
    assert sorted(found) == sorted(text for text in without(texts) if text.strip())
    first = {row["first_id"] for row in tables(release_of(tmp_path), "substrings")}
    assert first - {row["id"] for row in tables(release_of(tmp_path), "documents")}, "none of an earlier week"


def test_a_stream_says_what_to_do_about_other_windows_and_damage(syllabus: Command, tmp_path: Path) -> None:
    a_corpus(tmp_path, weeks=2, each=30)
    assert syllabus("run", a_recipe(tmp_path, "week0", history=True)).returncode == 0
    release = release_of(tmp_path)
    other = syllabus("run", a_recipe(tmp_path, history=True, min_bytes=100))
    assert other.returncode == 2
    assert f"release {release.name} was made with {MIN_BYTES}, this recipe has 100" in other.stderr
    path = release / "known" / "00000.texts.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    damaged = syllabus("run", a_recipe(tmp_path, history=True))
    assert damaged.returncode == 1
    assert "put it back from a copy" in damaged.stderr
    assert path.name in damaged.stderr
    path.write_bytes(whole)
    assert syllabus("run", a_recipe(tmp_path, history=True)).returncode == 0


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("{min_bytes: 63}", "dedup.substrings.min_bytes"),
        ("{boundary: word}", "dedup.substrings.boundary"),
        ("{min_left: 2}", "dedup.substrings.min_left"),
    ],
)
def test_a_wrong_setting_is_named(syllabus: Command, tmp_path: Path, field: str, said: str) -> None:
    a_corpus(tmp_path)
    run = syllabus("run", a_recipe(tmp_path), "--set", f"dedup.substrings={field}")
    assert run.returncode == 2
    assert said in run.stderr


def test_settings_that_contradict_each_other_are_refused() -> None:
    for paragraphs, substrings, said in (
        ({"max_repeats": 3}, {}, "max_repeats: 1"),
        ({}, {"keep": "none"}, "keep: none"),
    ):
        with pytest.raises(ValueError, match=said):
            Dedup.model_validate({"paragraphs": paragraphs, "substrings": substrings})
    Dedup.model_validate({"paragraphs": {"max_repeats": 3}, "substrings": {"action": "report"}})
