"""Each text goes through the tokenizer once: what is kept of it, when it is made again, and that the shards are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.methods.formatters.segments import Column, side_by_side
from curation.training.encoder import Encoder
from curation.training.tokens import Known, count_tokens, token_counts, token_ids
from tests.conftest import Command, recipe_of, release_of, texts, write_jsonl
from tests.made_tokenizers import byte_level

pytestmark = pytest.mark.usefixtures("api")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    return byte_level(path, [*texts(20), "Größe 漢字 🙂"], [], 400)


def large(values: list[str]) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


@given(
    rows=st.lists(
        st.tuples(st.text(max_size=20), st.text(max_size=40), st.sampled_from(["known", "another", "null"])),
        max_size=12,
    ),
    weighted=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_known_ids_change_nothing(tokenizer: str, rows: list[tuple[str, str, str]], weighted: bool) -> None:
    prefixes, plain = large([row[0] for row in rows]), large([row[1] for row in rows])
    written = side_by_side([Column(prefixes, "metadata", False), Column(plain, "content", True)])
    bare = side_by_side([Column(plain, "content", True)])
    of = large([row[1] if row[2] == "known" else row[1] + "x" for row in rows])
    ids = token_ids(of, tokenizer)
    ids = pa.array(
        [None if row[2] == "null" else one for row, one in zip(rows, ids.to_pylist(), strict=True)], ids.type
    )
    known = Known(of, ids)
    for one in (written, bare):
        weights = None
        if weighted:
            weights = np.arange(len(one.segments.flatten()), dtype="float32")
        with_it = count_tokens(one.texts, one.segments, tokenizer, weights, known)
        without = count_tokens(one.texts, one.segments, tokenizer, weights)
        assert with_it.input_ids == without.input_ids
        assert with_it.loss_mask == without.loss_mask
        assert with_it.loss_weights == without.loss_weights
        assert with_it.counts.tolist() == without.counts.tolist()
        assert with_it.trained.tolist() == without.trained.tolist()  # type: ignore[union-attr]
    both = [(one.texts, one.segments) for one in (written, bare)]
    for one_, other in zip(token_counts(both, tokenizer, known), token_counts(both, tokenizer), strict=True):
        assert one_.tolist() == other.tolist()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Texts that went through a tokenizer."""
    counted: list[int] = []
    whole = Encoder.ids

    def ids(self: Encoder, texts: pa.LargeStringArray) -> Any:
        counted.append(len(texts))
        return whole(self, texts)

    monkeypatch.setattr(Encoder, "ids", ids)
    return counted


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((release_of(folder) / "shards").glob("*.parquet"))}


@pytest.mark.server
def test_a_text_is_encoded_once_and_again_where_its_ids_are_damaged(
    syllabus: Command, tmp_path: Path, tokenizer: str, encoded: list[int]
) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": text, "url": f"https://a{i}.org/"} for i, text in enumerate(texts(40))])

    def run(folder: Path, seed: int) -> int:
        """Run the recipe; how many texts were encoded."""
        del encoded[:]
        made = recipe_of(
            folder,
            sources=[{"name": "web", "paths": str(tmp_path / "a.jsonl")}],
            clean={},
            dedup={"minhash": None},
            tags={},
            mixture=None,
            conditioning=None,
            phases=[{"name": "all", "epochs": 3}],
            seed=seed,
            shards={"tokenizer": tokenizer},
            engine={"workers": 1},
        )
        done = syllabus("run", str(made))
        assert done.returncode == 0, done.stderr
        return sum(encoded)

    assert run(tmp_path, 1) == 40
    assert run(tmp_path, 2) == 0
    (kept,) = (tmp_path / "out").glob("**/token-ids-*.arrow")
    with pa.ipc.open_file(kept) as reader:
        assert reader.read_all().num_rows == 40
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 1
    kept.write_bytes(data)
    assert run(tmp_path, 3) == 40
    note = kept.with_name(kept.name + ".json")
    note.write_text(json.dumps({"size": 1}))
    assert run(tmp_path, 4) == 40
    afresh = tmp_path / "afresh"
    afresh.mkdir()
    assert run(afresh, 4) == 40
    assert shards(afresh) == shards(tmp_path)


@pytest.mark.server
def test_texts_that_a_stage_cut_have_ids_of_their_own(
    syllabus: Command, tmp_path: Path, tokenizer: str, encoded: list[int]
) -> None:
    again = " ".join(texts(3))[:200]
    rows = [{"text": f"{text}\n{again}\n{number}"} for number, text in enumerate(texts(20))]
    write_jsonl(tmp_path / "a.jsonl", rows)
    made = recipe_of(
        tmp_path,
        sources=[{"name": "web", "paths": str(tmp_path / "a.jsonl")}],
        clean={},
        dedup={"minhash": None, "substrings": {"min_bytes": 100}},
        tags={},
        mixture=None,
        conditioning=None,
        phases=[{"name": "all", "epochs": 2}],
        shards={"tokenizer": tokenizer},
        engine={"workers": 1},
    )
    assert syllabus("run", str(made)).returncode == 0
    assert sum(encoded) == 20
    table = pa.parquet.read_table(release_of(tmp_path) / "shards")
    whole = token_ids(table["text"].combine_chunks().cast(pa.large_string()), tokenizer)
    assert table["input_ids"].combine_chunks().to_pylist() == whole.to_pylist()
    assert sum(again in text for text in table["text"].to_pylist()) == 2
