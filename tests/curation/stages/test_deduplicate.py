"""Exact and near duplicates of made partitions: who stays, and that partitions do not matter."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from curation.releases.samples import duplicates
from curation.stages.deduplicate import deduplicate
from schemas.recipe import Recipe
from schemas.work import Prepared
from tests.conftest import texts, write_jsonl
from tests.partitions import prepare_files


def prepared(
    folder: Path, parts: list[list[str]] | list[list[dict[str, object]]], **dedup: object
) -> tuple[list[Prepared], Recipe]:
    """A file and a partition each, of texts or of whole rows."""
    for i, part in enumerate(parts):
        write_jsonl(folder / f"{i}.jsonl", [row if isinstance(row, dict) else {"text": row} for row in part])
    recipe = Recipe.model_validate(
        {"name": "x", "sources": [{"name": "a", "paths": [str(folder / "*.jsonl")]}], "dedup": dedup}
    )
    return prepare_files(recipe, folder), recipe


def test_who_stays(tmp_path: Path) -> None:
    a, b, c = texts(3, seed=4)
    near = a + " and some more words"
    parts, recipe = prepared(tmp_path, [[a, b], [near, b, c, near]])
    decided = deduplicate(parts, recipe.dedup).decided
    rows = {(r["partition"], r["index"]): r for r in decided.to_pylist()}
    assert sorted(rows) == [(1, 0), (1, 1), (1, 3)]
    assert rows[1, 1]["stage"] == "exact"
    assert (rows[1, 1]["value"], rows[1, 1]["threshold"]) == (1.0, 1.0)
    assert rows[1, 3]["stage"] == "exact"
    assert rows[1, 0]["stage"] == "minhash"
    assert rows[1, 0]["value"] >= rows[1, 0]["threshold"] == 0.7


def test_the_longest_stays(tmp_path: Path) -> None:
    (a,) = texts(1, seed=4)
    parts, recipe = prepared(tmp_path, [[a], [a + " and some more words"]], keep="longest")
    assert [(r["partition"], r["index"]) for r in deduplicate(parts, recipe.dedup).decided.to_pylist()] == [(0, 0)]


@pytest.mark.parametrize("keep", ["longest", ["web"]])
def test_of_equally_good_ones_the_least_id_stays(tmp_path: Path, keep: object) -> None:
    (a,) = texts(1, seed=4)
    near = [a + " and one more", a + " and two more"]
    left = []
    for number, order in enumerate((near, near[::-1])):
        (tmp_path / str(number)).mkdir()
        parts, recipe = prepared(tmp_path / str(number), [[order[0]], [order[1]]])
        wanted = recipe.dedup.model_copy(update={"keep": keep})
        (row,) = deduplicate(parts, wanted, None, ["web", "web"]).decided.to_pylist()
        left.append(row["kept_id"])
        ids = [pq.read_table(part.documents_path)["id"][0].as_py() for part in parts]
        assert row["kept_id"] == min(ids)
    assert left[0] == left[1]


def test_the_wanted_source_stays(tmp_path: Path) -> None:
    (a,) = texts(1, seed=4)
    parts, recipe = prepared(tmp_path, [[a], [a + " and some more words"], [a]])
    wanted = recipe.dedup.model_copy(update={"keep": ["books"]})
    decided = deduplicate(parts, wanted, None, ["web", "books", "web"]).decided
    assert [(r["partition"], r["index"], r["stage"]) for r in decided.to_pylist()] == [
        (2, 0, "exact"),
        (0, 0, "minhash"),
    ]


def test_the_best_stays(tmp_path: Path) -> None:
    (a,) = texts(1, seed=4)
    parts, recipe = prepared(tmp_path, [[a], [a + " and some more words"]])
    for part, quality in zip(parts, [0.2, 0.9], strict=True):
        table = pq.read_table(part.documents_path)
        at = table.schema.get_field_index("quality")
        scored = table.set_column(at, table.schema.field(at), pa.array([quality], pa.float32()))
        pq.write_table(scored, part.documents_path)
    best = recipe.dedup.model_copy(update={"keep": "best"})
    assert [(r["partition"], r["index"]) for r in deduplicate(parts, best).decided.to_pylist()] == [(0, 0)]


@pytest.mark.parametrize(("keep", "said"), [("best", "clean.classifier"), (["b"], "no source")])
def test_what_keep_needs_is_asked_for(keep: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate({"name": "x", "sources": [{"name": "a", "paths": ["a"]}], "dedup": {"keep": keep}})


@pytest.mark.parametrize("dedup", [{"exact": False, "minhash": None}, {"minhash": None}])
def test_what_is_off_drops_nothing(dedup: dict[str, object], tmp_path: Path) -> None:
    a, b = texts(2, seed=4)
    parts, recipe = prepared(tmp_path, [[a, a + " more"], [b]], **dedup)
    assert len(deduplicate(parts, recipe.dedup).decided) == 0


def vocabulary(n: int) -> list[str]:
    """Different words, of letters alone: numbers are all alike when texts are compared."""
    return ["".join(chr(97 + int(digit)) for digit in str(10_000 + i)) for i in range(n)]


def chain(n: int, step: int) -> list[str]:
    """Documents of which each shares most words with its neighbours only."""
    words = vocabulary(120 + n * step)
    return [" ".join(words[i * step : i * step + 120]) for i in range(n)]


def test_a_chain_is_swallowed_whole_or_only_as_far_as_alike(tmp_path: Path) -> None:
    documents = chain(12, 8)
    settings = {"ngram": 1, "bands": 64, "rows": 2, "min_similarity": 0.7}
    single, recipe = prepared(tmp_path / "a", [documents], minhash={**settings, "linkage": "single"})
    assert len(deduplicate(single, recipe.dedup).decided) == 11
    star, recipe = prepared(tmp_path / "b", [documents[:5], documents[5:]], minhash={**settings, "linkage": "star"})
    decided = deduplicate(star, recipe.dedup).decided.to_pylist()
    assert 0 < len(decided) < 11
    assert all(row["value"] >= row["threshold"] == 0.7 for row in decided)


def test_exact_jaccard_is_exact(tmp_path: Path) -> None:
    words = vocabulary(100)
    a, b = " ".join(words), " ".join([*words[:80], "quite", "another", "end"])
    settings = {"ngram": 1, "bands": 64, "rows": 1, "verify": "jaccard"}
    wanted = len(set(words) & set(b.split())) / len(set(words) | set(b.split()))
    parts, recipe = prepared(tmp_path / "a", [[a], [b]], minhash={**settings, "min_similarity": wanted})
    (row,) = deduplicate(parts, recipe.dedup).decided.to_pylist()
    assert row["value"] == pytest.approx(wanted)
    parts, recipe = prepared(
        tmp_path / "b", [[a], [b]], minhash={**settings, "min_similarity": min(wanted + 0.01, 1.0)}
    )
    assert not len(deduplicate(parts, recipe.dedup).decided)


def test_copies_by_normalised_text_and_by_url(tmp_path: Path) -> None:
    rows = [
        {"text": "One text, of 12 words.", "url": "http://www.example.org/a/?utm_source=x"},
        {"text": "one TEXT,  of 12\nwords.", "url": None},
        {"text": "Something else.", "url": "https://Example.org/a#top"},
        {"text": "!!!", "url": None},
        {"text": "???", "url": None},
        {"text": "One text, of 12 words.", "url": "http://other.org"},
    ]
    write_jsonl(tmp_path / "0.jsonl", rows)
    recipe = Recipe.model_validate(
        {
            "name": "x",
            "sources": [{"name": "a", "paths": [str(tmp_path / "*.jsonl")]}],
            "dedup": {"exact": ["url", "normalised", "document"], "minhash": None},
        }
    )
    (part,) = prepare_files(recipe, tmp_path)
    decided = {row["index"]: row["rule"] for row in deduplicate([part], recipe.dedup).decided.to_pylist()}
    assert decided == {5: "same_text", 1: "same_normalised_text", 2: "same_url"}


def test_what_is_left_of_a_long_chain_goes_by_its_edges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, recipe = prepared(tmp_path, [chain(120, 5)])
    whole = deduplicate(parts, recipe.dedup).decided
    monkeypatch.setattr("curation.dedup.clusters.ROUNDS", 2)
    short = deduplicate(parts, recipe.dedup).decided
    for decided in (whole, short):
        assert len(decided) > 60
        assert (decided["value"].to_numpy() >= 0.7).all()
        gone = set(decided["index"].to_pylist())
        ids = dict(enumerate(pq.read_table(parts[0].documents_path)["id"].to_pylist()))
        assert not {ids[row] for row in gone} & set(decided["kept_id"].to_pylist())
    assert abs(len(whole) - len(short)) <= 0.1 * len(whole)


def test_pairs_just_under_the_bound_are_told_of(tmp_path: Path) -> None:
    (a, b) = texts(2, seed=4)
    words = a.split()
    under = " ".join([*words[: 9 * len(words) // 12], *b.split()[:30]])
    parts, recipe = prepared(tmp_path, [[a], [b, under]], minhash={"bands": 28, "rows": 4, "min_similarity": 0.95})
    found = deduplicate(parts, recipe.dedup)
    assert not len(found.decided)
    ((left, right, similarity), *_) = found.just_kept
    assert (left, right) == (0, 2)
    assert 0.3 < similarity < 0.95
    shown = duplicates(parts, ["web", "books"], found.decided, found.just_kept).to_pylist()[0]
    assert (shown["cluster"], shown["kept_source"], shown["source"]) == (0, "web", "books")
    assert shown["removed"] > 0


@pytest.mark.parametrize("keep", ["first", "longest"])
@pytest.mark.parametrize(
    "minhash",
    [{}, {"linkage": "single"}, {"verify": "jaccard"}, {"min_similarity": None}, {"bands": 40, "rows": 3}, None],
)
def test_ranges_of_keys_decide_nothing(tmp_path: Path, minhash: dict[str, object] | None, keep: str) -> None:
    made = texts(60, seed=8, words=60)
    parts_of = [[*made[:30], made[3] + " more"], [*made[30:], made[31], made[5], made[3] + " and more", ""]]
    parts, recipe = prepared(tmp_path, parts_of, minhash=minhash, keep=keep, exact=["document", "normalised"])
    whole = deduplicate(parts, recipe.dedup, ranges=1)
    assert len(whole.decided) > (5 if minhash is not None else 1)
    for ranges in (2, 5):
        found = deduplicate(parts, recipe.dedup, ranges=ranges)
        order = [("partition", "ascending"), ("index", "ascending"), ("stage", "ascending")]
        assert found.decided.sort_by(order).equals(whole.decided.sort_by(order))
        assert found.just_kept == whole.just_kept
