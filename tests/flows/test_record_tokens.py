"""Records as a chat template writes them, with tokens and loss weights, through a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import release_of, write_jsonl
from tests.flows.made_records import Command, ran, recipe, say, turns
from tests.made_tokenizers import byte_level

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


CHATML = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
STRICT = "{%- if messages[0].role == 'system' %}{{ raise_exception('no system role here') }}{%- endif %}" + CHATML


def test_a_template_writes_them_and_what_it_refuses_is_in_the_ledger(syllabus: Command, tmp_path: Path) -> None:
    path = tmp_path / "strict.jinja"
    path.write_text(STRICT)
    rows = ran(syllabus, tmp_path, conditioning={"method": "chat", "template": str(path)})
    assert len(rows) == 126 - 20  # every other chat has a system turn
    assert all(text.startswith("<|im_start|>") for text in rows["text"])
    dropped = pl.read_parquet(release_of(tmp_path) / "dropped" / "schedule" / "*.parquet")
    assert set(dropped["rule"]) == {"refused_by_template"}
    assert len(dropped) == 20
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    assert manifest["funnel"][-1]["dropped"] == {"refused_by_template": 20}
    assert [file["used_by"] for file in manifest["side_files"]] == ["conditioning.template"]
    with_another = tmp_path / "another"
    with_another.mkdir()
    assert len(ran(syllabus, with_another, conditioning={"method": "chat", "template": CHATML})) == 126


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    return byte_level(path, [say(1)], ["<s>", "</s>", "<pad>"], 300)


def test_loss_weights_of_turns_kinds_and_records(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    messages = [turns(n, 2) for n in range(4)]
    messages[0][1]["weight"] = 0.25
    write_jsonl(
        tmp_path / "c.jsonl", [{"messages": m, "worth": 2.0 if n == 1 else None} for n, m in enumerate(messages)]
    )
    source = {"name": "c", "kind": "conversation", "paths": str(tmp_path / "c.jsonl")}
    weights = {"kinds": {"assistant": 0.5}, "record": "worth"}
    fields: dict[str, Any] = {
        "sources": [source],
        "clean": {},
        "tags": {"worth": {"from": "number", "column": "worth"}},
    }
    shards = {"tokenizer": tokenizer, "loss_weights": weights}
    rows = ran(syllabus, tmp_path, **fields, shards=shards)
    assert rows.columns[11:] == ["worth", "loss_weight", "input_ids", "loss_mask"]
    for row in rows.iter_rows(named=True):
        number = next(n for n, m in enumerate(messages) if m[0]["content"] in row["text"])
        wanted = {0: [0.125, 0.5], 1: [1.0, 1.0]}.get(number, [0.5, 0.5])
        given = [w for w, one in zip(row["loss_weight"], row["segments"], strict=True) if one["loss"]]
        assert given == wanted
        assert [w for w, one in zip(row["loss_weight"], row["segments"], strict=True) if not one["loss"]].count(
            0.0
        ) == len(row["segments"]) - 2
    trainer = json.loads((release_of(tmp_path) / "trainer.json").read_text())
    assert trainer["loss_weight_column"] == "loss_weight"
    manifest = json.loads((release_of(tmp_path) / "manifest.json").read_text())
    assert manifest["phases"][0]["trained_tokens"] == {"c": sum(sum(mask) for mask in rows["loss_mask"])}

    packed_shards = {**shards, "sequence_length": 1024, "packing": {"method": "concat"}}
    packed = ran(syllabus, tmp_path, **fields, shards=packed_shards)
    assert packed.columns[-1] == "loss_weights"
    by_document: dict[str, list[float]] = {}
    for row in packed.iter_rows(named=True):
        assert [w > 0 for w in row["loss_weights"]] == [m == 1 for m in row["loss_mask"]]
        for name, span in zip(row["doc_ids"], row["doc_spans"], strict=True):
            by_document.setdefault(name, []).extend(row["loss_weights"][span["start"] : span["end"]])
    for row in rows.iter_rows(named=True):
        lossy = [w for w in by_document[row["id"]] if w > 0]
        assert set(lossy) == {w for w in row["loss_weight"] if w > 0}
        assert len(lossy) == sum(row["loss_mask"]) + 1  # and the end token
    trainer = json.loads((release_of(tmp_path) / "trainer.json").read_text())
    assert trainer["loss_weight_column"] == "loss_weights"


def test_preferences_are_not_packed(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    done = syllabus("run", recipe(tmp_path, shards={"tokenizer": tokenizer, "sequence_length": 64}))
    assert done.returncode == 2
    assert "kind: preference" in done.stderr


def test_a_template_and_its_tokens_are_looked_at_first(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    source = {"name": "c", "kind": "conversation", "paths": str(tmp_path / "chat.jsonl")}
    write_jsonl(tmp_path / "chat.jsonl", [{"messages": turns(1)}])
    shards = {"tokenizer": tokenizer}
    for template, token, says in (
        ("{% for %}", "<s>", "no chat template: line 1"),
        ("{{ bos_token }}{{ messages[0].content }}", "<|begin|>", "writes bos_token, '<|begin|>', which the tokenizer"),
    ):
        (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, "bos_token": token}))
        conditioning = {"method": "chat", "tokenizer": str(folder)}
        done = syllabus("run", recipe(tmp_path, sources=[source], conditioning=conditioning, shards=shards))
        assert done.returncode == 2, done.stderr
        assert says in " ".join(done.stderr.split())
