"""Coverage of items by documents, with numbers by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.stages.decontaminate import coverage, item_files, read_items, tokens
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
from tests.conftest import write_jsonl

ITEM = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


def shares(folder: Path, items: list[str], texts: list[str], ngram: int = 8) -> list[tuple[int, float]]:
    write_jsonl(folder / "bench.jsonl", [{"id": f"b/{i}", "text": text} for i, text in enumerate(items)])
    params = Decontaminate(benchmarks=[str(folder / "*.jsonl")], ngram=ngram)
    made = read_items(item_files(params), ("text",), ngram)
    return [coverage(text, made) for text in texts]


def test_coverage(tmp_path: Path) -> None:
    words = ITEM.split()
    texts = [
        "before " + ITEM.upper().replace(" ", ", ") + " after",
        "x " + " ".join(words[:8]) + " y",
        "x " + " ".join(words[:7]) + " y",
        " ".join(words[:9]) + " and " + " ".join(words[7:]),
        "",
    ]
    assert shares(tmp_path, [ITEM], texts) == [(0, 1.0), (0, 0.5), (-1, 0.0), (0, 1.0), (-1, 0.0)]


def test_short_items_match_whole(tmp_path: Path) -> None:
    found = shares(tmp_path, ["What is it?", ITEM], ["so what is it then", "what is", "is it what"])
    assert found == [(0, 1.0), (-1, 0.0), (-1, 0.0)]


def test_repeated_ngrams_count_once_a_token(tmp_path: Path) -> None:
    assert shares(tmp_path, ["a b a b a b c d"], ["a b"], ngram=2) == [(0, 0.75)]


def test_words_of_scripts_without_spaces() -> None:
    assert tokens("Ab-c 日本語 é_x 12") == ["ab", "c", "日", "本", "語", "é", "x", "12"]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="matches no file"):
        item_files(Decontaminate(benchmarks=[str(tmp_path / "*.jsonl")]))
    write_jsonl(tmp_path / "a.jsonl", [{"text": "!!"}])
    params = Decontaminate(benchmarks=[str(tmp_path / "*.jsonl")])
    with pytest.raises(RecipeError, match="no item"):
        read_items(item_files(params), ("text",), 8)
