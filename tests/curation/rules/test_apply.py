"""Rule sets together: first or all verdicts, the statistics, thresholds by language, any cut into batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter, ValidationError

from curation.rules import apply as module
from curation.rules.apply import apply, names_of
from schemas.presets import PRESETS
from schemas.recipe import Clean, Recipe
from schemas.rules import C4, FineWeb, GopherQuality, GopherRepetition, Rules, RuleSet
from tests.conftest import Command, release_of, write_jsonl
from tests.curation.rules.texts import batches, table

FOUR = [GopherQuality(min_doc_words=3), GopherRepetition(), C4(), FineWeb()]
GOOD = "the words of that day and what is to be with other people, as it was written. " * 6


def test_first_stops_and_all_does_not() -> None:
    documents = table("short {", GOOD)
    first = apply(documents, FOUR, statistics=True)
    every = apply(documents, FOUR, verdicts="all")
    assert first.rule.tolist() == every.rule.tolist()
    assert first.statistics is not None
    assert every.statistics is not None
    assert np.isnan(first.statistics["c4.curly_bracket"].to_numpy()[0])
    assert every.statistics["drops"].to_pylist()[0][:3] == [
        "gopher_quality.gopher_short_doc",
        "gopher_quality.gopher_below_alpha_threshold",
        "gopher_quality.gopher_enough_stop_words",
    ]
    assert "fineweb.line_punct_ratio" in every.statistics["drops"].to_pylist()[0]
    assert "drops" not in first.statistics.column_names
    field = first.statistics.schema.field("gopher_quality.gopher_short_doc")
    assert field.metadata == {b"drops": b"<", b"bound": b"3.0"}


@settings(max_examples=60, deadline=None)
@given(batches)
def test_batches_do_not_matter(texts: list[str]) -> None:
    documents = table(*texts)
    whole = apply(documents, FOUR, statistics=True)
    parts = [apply(documents.slice(i, 1), FOUR, statistics=True) for i in range(len(texts))]
    assert [whole.reasons[c] if c >= 0 else None for c in whole.rule] == [
        p.reasons[p.rule[0]] if p.rule[0] >= 0 else None for p in parts
    ]
    assert whole.texts.to_pylist() == [p.texts[0].as_py() for p in parts]
    assert whole.statistics == pa.concat_tables([p.statistics for p in parts])


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = table(*(GOOD * (i % 4) + f"{i} more" for i in range(50)))
    whole = apply(documents, FOUR)
    monkeypatch.setattr(module, "BLOCK_BYTES", 100)
    cut = apply(documents, FOUR)
    assert whole.rule.tolist() == cut.rule.tolist()
    assert whole.texts.equals(cut.texts)
    assert whole.edits == cut.edits


def test_thresholds_and_stop_words_by_language() -> None:
    french = "le chat est dans la maison et il dort, que dire de plus ici. " * 6
    rule = GopherQuality(by_language={"fr": {"stop_words": ["le", "la", "et"], "min_stop_words": 3}})
    verdicts = apply(table(french, french, GOOD, language=["fr", "en", "en"]), [rule])
    assert [None if c < 0 else verdicts.reasons[c] for c in verdicts.rule] == [None, "gopher_enough_stop_words", None]


def test_by_language_is_checked() -> None:
    with pytest.raises(ValidationError, match="min_word"):
        GopherQuality(by_language={"fr": {"min_word": 3}})
    with pytest.raises(ValidationError, match=r"needs clean\.language"):
        Clean.model_validate({"rules": [{"gopher_quality": {"by_language": {"fr": {"min_stop_words": 1}}}}]})


def test_a_set_that_stands_twice_has_two_names() -> None:
    assert names_of([C4(), FineWeb(), C4()]) == ["c4", "fineweb", "c4#2"]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_load_give_way_and_round_trip(name: str) -> None:
    source = [{"name": "a", "paths": ["x.jsonl"]}]
    recipe = Recipe.model_validate({"name": "r", "sources": source, "clean": {"preset": name}})
    assert recipe.clean.rules
    assert Recipe.model_validate(recipe.resolved()) == recipe
    assert all(PRESETS[name][:3])  # type: ignore[index]
    own = Clean.model_validate({"preset": name, "rules": ["c4"], "language": None})
    assert own.rules == [C4()]
    assert own.language is None
    form = {**Clean().model_dump(mode="json"), "preset": name}  # a form sends every field
    assert Clean.model_validate(form) == recipe.clean
    parts = Recipe.model_json_schema()["$defs"]  # a section that is opened is filled in with its fields' defaults
    opened = {
        part: {key: field["default"] for key, field in parts[part]["properties"].items() if "default" in field}
        for part in ("Clean", "Dedup")
    }
    sent = {"name": "r", "sources": source, "clean": {**opened["Clean"], "preset": name}}
    for dedup in (None, opened["Dedup"]):
        assert Recipe.model_validate({**sent, "dedup": dedup}) == recipe
    documents = table(GOOD, "short", language=["en", "fr"])
    assert len(apply(documents, recipe.clean.rules).rule) == 2


@pytest.mark.parametrize(
    "params",
    [
        {"name": "gopher_quality"},
        {"name": "c4"},
        {"name": "refinedweb_lines"},
        {"name": "fineweb"},
        {"name": "custom", "scorer": {"from": "tokens", "unit": "lines"}, "max": 0},
    ],
    ids=lambda params: str(params["name"]),
)
def test_a_set_passes_over_what_scores_high(params: dict[str, Any]) -> None:
    """It neither drops nor rewrites it; all others are judged as without."""
    texts = [
        "Short.",
        "3 likes\nshort line\nAnother line without an end",
        "Short.",
        "3 likes\nshort line\nAnother line without an end",
    ]
    documents = table(*texts).append_column("column:grade", pa.array([0.1, None, 0.9, 0.8], pa.float64()))
    plain = TypeAdapter[Any](RuleSet).validate_python(params)
    unless = {"score": {"from": "number", "column": "grade"}, "min": 0.8}
    passed = TypeAdapter[Any](RuleSet).validate_python({**params, "unless": unless})
    judged, found = apply(documents, [plain]), apply(documents, [passed])
    assert (judged.rule[2:] >= 0).any() or judged.texts.to_pylist()[2:] != texts[2:]
    assert found.rule[2:].tolist() == [-1, -1]
    assert found.texts.to_pylist()[2:] == texts[2:]
    assert found.rule[:2].tolist() == judged.rule[:2].tolist()
    assert found.texts.to_pylist()[:2] == judged.texts.to_pylist()[:2]


def test_the_next_set_judges_them_all() -> None:
    documents = table("one two").append_column("quality", pa.array([0.99], pa.float32()))
    size = {"name": "custom", "scorer": {"from": "tokens", "unit": "words"}, "max": 1}
    rules = TypeAdapter[Any](Rules).validate_python([{**size, "unless": {"min": 0.9}}, size])
    assert apply(documents, rules).rule.tolist() == [1]
    assert apply(documents, rules[:1]).rule.tolist() == [-1]
    assert apply(
        documents.set_column(documents.schema.get_field_index("quality"), "quality", pa.array([0.5], pa.float32())),
        rules[:1],
    ).rule.tolist() == [1]


def test_through_a_recipe(syllabus: Command, tmp_path: Path) -> None:
    """Graded pages stay, short as they are, and the ledger has the others under the set's rules."""
    rows = [{"text": f"Short page {i}.", "edu": i % 6} for i in range(60)]
    write_jsonl(tmp_path / "raw.jsonl", [*rows, {"text": "Short page without a grade."}])
    recipe = {
        "name": "tried",
        "output": str(tmp_path / "out"),
        "sources": [{"name": "web", "paths": [str(tmp_path / "raw.jsonl")]}],
        "dedup": {"minhash": None},
        "clean": {"rules": [{"gopher_quality": {"unless": {"score": {"from": "number", "column": "edu"}, "min": 4}}}]},
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    done = syllabus("run", str(tmp_path / "recipe.json"))
    assert done.returncode == 0, done.stderr
    kept = pq.read_table(release_of(tmp_path) / "shards")["text"].to_pylist()
    assert sorted(kept) == sorted(row["text"] for row in rows if row["edu"] >= 4)
    recipe["clean"] = {"rules": [{"gopher_quality": {"unless": {"min": 0.9}}}]}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    refused = syllabus("run", str(tmp_path / "recipe.json"))
    assert refused.returncode == 2
    assert "clean.rules[0].unless goes by quality: set clean.classifier" in refused.stderr
