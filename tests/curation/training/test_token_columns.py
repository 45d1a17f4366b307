"""What stands beside the tokens of a text, through a recipe: rows of documents, packed rows, the loader, and what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from curation.training import ShardDataset
from curation.training.pack import Packer
from curation.training.tokens import Tokens
from schemas.recipe import Recipe
from tests.conftest import Command, recipe_of, release_of, write_jsonl
from tests.made_tokenizers import byte_level

pytestmark = pytest.mark.usefixtures("api")

WORDS = [
    "Zwölf",
    "große",
    "Boxkämpfer",
    "jagen",
    "Viktor",
    "quer",
    "über",
    "den",
    "Deich",
    "–",
    "漢字",
    "und",
    "naïve",
    "Leute",
    "🙂",
    "dazu",
]
COLUMNS = {"losses": "float32", "pairs": "int32[2]"}
Values = dict[str, tuple[list[int], list[list[int]], list[float]]]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    return byte_level(path, [" ".join(WORDS)], ["<s>", "</s>", "<pad>"], 320)


def documents(tokenizer: str, n: int = 30) -> tuple[list[dict[str, Any]], Values]:
    """Rows with values that say which document and token they are of, and these by the document's name."""
    draw = np.random.default_rng(7)
    cut = Tokenizer.from_file(tokenizer)
    rows, values = [], {}
    for number in range(n):
        text = f"{number} " + " ".join(draw.choice(WORDS, int(draw.integers(3, 60))))
        ids = cut.encode(text, add_special_tokens=False).ids
        pairs = [[number + 1, place] for place in range(len(ids))]
        losses = [number + place / 1024 for place in range(1, len(ids) + 1)]
        values[text] = (ids, pairs, losses)
        url = f"https://site{number}.example.org/a"
        rows.append({"id": str(number), "text": text, "url": url, "pairs": pairs, "losses": losses})
    return rows, values


def recipe(folder: Path, tokenizer: str, shards: dict[str, Any] | None = None, **fields: Any) -> Path:
    plain: dict[str, Any] = {
        "sources": [{"name": "taught", "paths": str(folder / "taught.jsonl")}],
        "clean": {},
        "dedup": {"minhash": None},
        "tags": {},
        "mixture": None,
        "conditioning": None,
        "phases": [{"name": "all", "epochs": 1}],
        "shards": {"tokenizer": tokenizer, "token_columns": COLUMNS, **(shards or {})},
    }
    return recipe_of(folder, **{**plain, **fields})


@pytest.mark.server
def test_values_stand_beside_their_tokens_behind_a_prefix(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    rows, values = documents(tokenizer)
    write_jsonl(tmp_path / "taught.jsonl", rows)
    with_url = {"template": "URL: {url}\n\n"}
    done = syllabus("run", str(recipe(tmp_path, tokenizer, conditioning=with_url)))
    assert done.returncode == 0, done.stderr
    table = pq.read_table(sorted((release_of(tmp_path) / "shards").glob("*.parquet")))
    assert table.column_names[-4:] == ["input_ids", "loss_mask", "losses", "pairs"]
    assert table.schema.field("pairs").type == pa.list_(pa.list_(pa.int32(), 2))
    assert table.schema.field("losses").type == pa.list_(pa.float32())
    assert len(table) == len(rows)
    for row in table.to_pylist():
        text = row["text"].partition("\n\n")[2]
        ids, pairs, losses = values[text]
        before = len(row["input_ids"]) - len(ids)
        assert before > 0
        assert row["input_ids"][before:] == ids
        assert row["pairs"] == [[0, 0]] * before + pairs
        assert row["losses"] == [0] * before + losses
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    assert manifest["warnings"] == []
    assert manifest["groups"] is not None


@pytest.mark.server
@pytest.mark.parametrize("method", ["concat", "complete", "best_fit"])
def test_packed_rows_and_the_loader_keep_them(syllabus: Command, tmp_path: Path, tokenizer: str, method: str) -> None:
    rows, values = documents(tokenizer)
    write_jsonl(tmp_path / "taught.jsonl", rows)
    packing = {"method": method, "begin": "<s>", "end": "</s>", "pad": "<pad>"}
    made = recipe(tmp_path, tokenizer, {"sequence_length": 64, "packing": packing})
    assert syllabus("run", str(made)).returncode == 0
    by_number = {pairs[0][0]: (ids, pairs, losses) for ids, pairs, losses in values.values()}
    special = {Tokenizer.from_file(tokenizer).token_to_id(token) for token in ("<s>", "</s>", "<pad>")}
    seen: set[int] = set()
    for batch in ShardDataset(release_of(tmp_path), batch_size=4):
        assert batch["pairs"].shape == (*batch["input_ids"].shape, 2)
        assert batch["losses"].shape == batch["input_ids"].shape
        for ids, pairs, losses in zip(batch["input_ids"], batch["pairs"], batch["losses"], strict=True):
            for token, (number, place), loss in zip(ids.tolist(), pairs.tolist(), losses.tolist(), strict=True):
                if token in special:
                    assert (number, place, loss) == (0, 0, 0)
                else:
                    assert (by_number[number][0][place], by_number[number][2][place]) == (token, loss)
                    seen.add(number)
    assert seen == set(by_number)


@pytest.mark.server
def test_documents_that_do_not_fit_have_none_and_are_told(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    rows, values = documents(tokenizer, 12)
    rows[0]["pairs"] = rows[0]["pairs"][:-1]  # of another tokenizer
    rows[1]["pairs"] = [[1.5, 2] for _ in rows[1]["pairs"]]
    rows[2]["pairs"] = [[1, 2, 3] for _ in rows[2]["pairs"]]
    rows[3]["losses"] = None
    cut = Tokenizer.from_file(tokenizer)
    before, after = "Write to someone@example.org today", "Write to email@example.com today"
    n = len(cut.encode(after, add_special_tokens=False).ids)
    rows[4] |= {"text": before, "pairs": [[9, 9]] * n, "losses": [1.0] * n}  # as long as what cleaning makes of it
    write_jsonl(tmp_path / "taught.jsonl", rows)
    clean = {"pii": {"emails": "mask"}}
    done = syllabus("run", str(recipe(tmp_path, tokenizer, clean=clean)))
    assert done.returncode == 0
    assert "41.7% of the documents have no losses, pairs" in " ".join((done.stdout + done.stderr).split())
    frame = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
    without = frame.filter(pl.col("pairs").is_null())
    assert without["losses"].null_count() == len(without) == 5
    texts = set(without["text"])
    assert not any("someone" in text for text in texts)
    assert {row["text"] for row in rows[:4]} < texts
    for row in frame.filter(pl.col("pairs").is_not_null()).iter_rows(named=True):
        assert row["losses"] == values[row["text"]][2]
    warning = json.loads((release_of(tmp_path) / "manifest.json").read_text())["warnings"][0]
    assert (warning["rule"], warning["phase"], warning["label"]) == ("token_columns", "all", "losses, pairs")


@pytest.mark.server
def test_answers_of_instructions_from_parquet(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    rows, values = documents(tokenizer, 8)
    asked = [row | {"prompt": f"Say {row['id']}."} for row in rows]
    kinds = {"pairs": pa.list_(pa.list_(pa.int64())), "losses": pa.list_(pa.float64())}
    table = pa.Table.from_pylist(asked)
    for name, kind in kinds.items():
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    pq.write_table(table, tmp_path / "taught.parquet")
    source = {"name": "asked", "kind": "instruction", "paths": str(tmp_path / "taught.parquet")}
    done = syllabus("run", str(recipe(tmp_path, tokenizer, sources=[source])))
    assert done.returncode == 0
    frame = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
    assert len(frame) == 8
    for row in frame.iter_rows(named=True):
        answer = next(text for text in values if row["text"].endswith(text))
        n = len(values[answer][0])
        assert row["losses"][-n:] == values[answer][2]
        assert not any(row["losses"][:-n])


@pytest.mark.server
def test_a_column_that_no_file_has_is_an_error(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    write_jsonl(tmp_path / "taught.jsonl", [{"text": "Nothing beside these words."}])
    done = syllabus("run", str(recipe(tmp_path, tokenizer)))
    assert done.returncode == 2
    assert "shards.token_columns: no input file has a column 'losses'" in done.stderr


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"shards": {"token_columns": {"a": "int32"}}}, "set shards.tokenizer too"),
        ({"shards": {"tokenizer": "t.json", "token_columns": {"a": "int64"}}}, "token_columns"),
        ({"shards": {"tokenizer": "t.json", "token_columns": {"text": "int32"}}}, "'text' is taken"),
        (
            {
                "shards": {"tokenizer": "t.json", "token_columns": {"losses": "float32[2]"}},
                "tags": {"salt": {"from": "salt", "losses": "losses", "in_reach": "reach"}},
            },
            "reads 'losses' as numbers",
        ),
        (
            {
                "shards": {"tokenizer": "t.json", "token_columns": {"a": "int32"}},
                "sources": [{"name": "s", "kind": "conversation", "paths": "a.jsonl"}],
            },
            "token_columns are of one text",
        ),
    ],
)
def test_settings_that_cannot_be(fields: dict[str, Any], said: str) -> None:
    plain = {
        "name": "tried",
        "output": "out",
        "sources": [{"name": "s", "paths": "a.jsonl"}],
        "phases": [{"name": "all", "epochs": 1}],
    }
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        Recipe.model_validate({**plain, **fields})


@given(
    sizes=st.lists(st.integers(0, 30), max_size=25),
    method=st.sampled_from(["concat", "complete", "best_fit"]),
    begin=st.sampled_from([None, 7]),
    end=st.sampled_from([None, 8]),
)
@settings(max_examples=80, deadline=None)
def test_a_column_goes_wherever_its_token_goes(
    sizes: list[int], method: Any, begin: int | None, end: int | None
) -> None:
    ids = [[100 * i + k + 10 for k in range(size)] for i, size in enumerate(sizes)]
    lists = pa.array(ids, pa.list_(pa.int32()))
    mask = pa.array([[1] * size for size in sizes], pa.list_(pa.uint8()))
    beside = {"two": pa.array([[[one, -one] for one in row] for row in ids], pa.list_(pa.list_(pa.int32(), 2)))}
    counts = np.array(sizes, dtype=np.int32)
    packer = Packer(16, method, begin=begin, end=end, pad=9)
    made = [packer.add(Tokens(counts, lists, mask, columns=beside), [str(i) for i in range(len(sizes))])]
    made += [last for last in [packer.finish()] if last is not None]
    for one in made:
        flat = one.input_ids.reshape(-1)
        expected = np.where(flat >= 10, flat, 0)
        np.testing.assert_array_equal(one.beside["two"], np.stack([expected, -expected], axis=1))
