"""Coverage of items by documents, with numbers by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.decontamination.items import coverage, item_files, read_items, tokens
from curation.decontamination.judged import MASK
from curation.releases.hits import contamination
from curation.stages.decontaminate import Cleaned, collisions, decontaminate, frequent
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
from schemas.work import Prepared, SliceRead
from tests.conftest import write_jsonl

ITEM = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


def shares(folder: Path, items: list[str], texts: list[str], ngram: int = 8) -> list[tuple[int, float]]:
    write_jsonl(folder / "bench.jsonl", [{"id": f"b/{i}", "text": text} for i, text in enumerate(items)])
    params = Decontaminate(benchmarks=[str(folder / "*.jsonl")], ngram=ngram)
    made = read_items(item_files(params), ("text",), ngram, "whole")
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


def filler(n: int, start: int = 0) -> str:
    return " ".join("".join(chr(97 + int(d)) for d in str(10_000 + i)) for i in range(start, start + n))


def cleaned(folder: Path, texts: list[str], prompts: list[str | None] | None = None, **settings: object) -> Cleaned:
    """One partition of texts, decontaminated against ITEM."""
    (folder / "p").mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "bench.jsonl", [{"id": "b/0", "text": ITEM}, {"id": "b/1", "text": filler(60, 900)}])
    table = pa.table(
        {
            "id": [str(i) for i in range(len(texts))],
            "name": pa.nulls(len(texts), pa.string()),
            "text": pa.array(texts, pa.large_string()),
            "url": pa.nulls(len(texts), pa.string()),
            "prompt": pa.array(prompts or [None] * len(texts), pa.large_string()),
        }
    )
    pq.write_table(table, folder / "p" / "documents.parquet", row_group_size=2)
    empty: dict[str, Any] = {"dropped": {}, "edits": [], "reasons": [], "columns": [], "files": {}}
    part = Prepared(str(folder / "p"), "k", [SliceRead(len(texts), 0)], len(texts), **empty)
    params = Decontaminate.model_validate({"benchmarks": [str(folder / "*.jsonl")], **settings})
    files, kept = item_files(params), np.arange(len(texts))
    found = collisions(part, kept, params, files)
    ignored = frequent([found], params, len(kept))["key"].to_numpy()
    return decontaminate(part, 0, kept, params, files, ignored, str(folder / "new.parquet"))


def texts_of(done: Cleaned) -> list[str]:
    return pq.read_table(done.prepared.documents_path)["text"].to_pylist()


def test_gpt3_cuts_and_keeps_the_pieces(tmp_path: Path) -> None:
    before, after = filler(100), filler(100, 500)
    text = f"{before} {ITEM} {after}"
    done = cleaned(tmp_path, ["nothing here", text, ITEM, f"{filler(20)} {ITEM}"], method="gpt3")
    kept = [before[: len(before) - 199].strip(), after[199:].strip()]
    assert texts_of(done)[1] == "\n\n".join(kept)
    assert texts_of(done)[0] == "nothing here"
    dropped = {row["index"]: (row["rule"], row["kept_id"]) for row in done.decided.to_pylist()}
    assert dropped == {2: ("gpt3_nothing_left", "b/0"), 3: ("gpt3_nothing_left", "b/0")}
    assert done.edits == (1, 1)


def test_gpt3_drops_what_falls_to_pieces(tmp_path: Path) -> None:
    text = " ".join(f"{filler(100, 100 * i)} {ITEM}" for i in range(4))
    done = cleaned(tmp_path, [text], method="gpt3", max_pieces=3)
    (row,) = done.decided.to_pylist()
    assert (row["rule"], row["value"], row["threshold"]) == ("gpt3_too_many_pieces", 4.0, 3.0)


def test_gpt3_ignores_what_many_documents_hold(tmp_path: Path) -> None:
    texts = [f"{filler(90, 100 * i)} {ITEM}" for i in range(4)]
    assert len(cleaned(tmp_path / "a", texts, method="gpt3", max_documents=4).hits) == 4
    done = cleaned(tmp_path / "b", texts, method="gpt3", max_documents=3)
    assert (len(done.hits), len(done.decided), done.edits) == (0, 0, (0, 0))


def test_masked_and_reported(tmp_path: Path) -> None:
    text = f"Before. {ITEM.title()}! After."
    masked = cleaned(tmp_path / "a", [text, "clean"], action="mask")
    assert texts_of(masked) == [f"Before. {MASK}! After.", "clean"]
    assert masked.hits.to_pylist() == [
        {"partition": 0, "index": 0, "item": "b/0", "benchmark": "bench.jsonl", "coverage": 1.0, "place": "text"}
    ]
    reported = cleaned(tmp_path / "b", [text], action="report")
    assert (len(reported.decided), len(reported.hits)) == (0, 1)
    assert texts_of(reported) == [text]
    pairs = cleaned(tmp_path / "c", ["an answer"], [ITEM], action="mask")
    assert pairs.decided["index"].to_pylist() == [0]


def test_two_percent_of_a_benchmark_condemn_a_source(tmp_path: Path) -> None:
    done = cleaned(tmp_path, [ITEM, ITEM, "clean"])
    params = Decontaminate(benchmarks=[str(tmp_path)])
    (row,) = contamination(done.hits, ["web"], item_files(params), params)
    assert row == {
        "benchmark": "bench.jsonl",
        "source": "web",
        "items": 2,
        "items_short": 0,
        "items_hit": 1,
        "documents": 2,
        "places": {"text": 2},
        "share": 0.5,
        "contaminated": True,
    }
