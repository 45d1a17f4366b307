"""Conversations, preferences and verifiable prompts through a recipe: from files as people have them to shards and ledger."""

from __future__ import annotations

import csv
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tokenizers
import yaml

from curation.releases.verify import verify
from curation.training import ShardDataset
from tests.conftest import release_of, shard_bytes, write_jsonl

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]
Command = Callable[..., subprocess.CompletedProcess[str]]
MAIL = "someone@example.org"


def say(number: int, words: int = 12) -> str:
    drawn = random.Random(number)
    return " ".join(f"{drawn.choice('abcdefghij')}{drawn.randrange(10**6)}" for _ in range(words))


def turns(number: int, pairs: int = 2, system: bool = False) -> list[dict[str, Any]]:
    made = [{"role": "system", "content": f"be brief {number}"}] if system else []
    for k in range(pairs):
        made += [
            {"role": "user", "content": say(number * 100 + k)},
            {"role": "assistant", "content": f"{say(number * 100 + 50 + k)} {MAIL}"},
        ]
    return made


def sources(folder: Path) -> list[dict[str, Any]]:
    """All kinds, in JSON Lines, Parquet and CSV."""
    write_jsonl(
        folder / "chat.jsonl",
        [
            *({"id": f"chat-{n}", "messages": turns(n, 1 + n % 3, n % 2 == 0)} for n in range(40)),
            {"messages": []},
            {"messages": [{"role": "wizard", "content": "x"}]},
            {"messages": [{"role": "user", "content": "x"}]},
        ],
    )
    shared = [[{"from": "human", "value": say(9000 + n)}, {"from": "gpt", "value": say(9500 + n)}] for n in range(20)]
    pq.write_table(pa.table({"conversations": shared}), folder / "sharegpt.parquet")
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["messages"])
        writer.writeheader()
        writer.writerows({"messages": json.dumps(turns(7000 + n, 1))} for n in range(10))
    asked = [{"role": "user", "content": say(3000)}]
    write_jsonl(
        folder / "pairs.jsonl",
        [
            *(
                {"prompt": say(n), "chosen": f"{say(n + 1)}", "rejected": f"{say(n + 2)} {MAIL}"}
                for n in range(4000, 4060, 3)
            ),
            {
                "prompt": "not used",
                "chosen": [*asked, {"role": "assistant", "content": say(3001)}],
                "rejected": [*asked, {"role": "assistant", "content": say(3002)}],
            },
        ],
    )
    write_jsonl(
        folder / "verified.jsonl",
        [
            {"messages": [{"role": "user", "content": say(6000 + n)}], "ground_truth": n, "dataset": "maths"}
            for n in range(15)
        ],
    )
    write_jsonl(folder / "asked.jsonl", [{"instruction": say(5000 + n), "output": say(5500 + n)} for n in range(10)])
    write_jsonl(folder / "text.jsonl", [{"text": say(8000 + n, 40)} for n in range(10)])
    return [
        {"name": "chat", "kind": "conversation", "paths": str(folder / "chat.jsonl")},
        {
            "name": "sharegpt",
            "kind": "conversation",
            "paths": str(folder / "sharegpt.parquet"),
            "columns": {"messages": "conversations"},
        },
        {"name": "rows", "kind": "conversation", "paths": str(folder / "rows.csv")},
        {"name": "pairs", "kind": "preference", "paths": str(folder / "pairs.jsonl")},
        {
            "name": "verified",
            "kind": "verifiable",
            "paths": str(folder / "verified.jsonl"),
            "columns": {"prompt": "messages", "verifier": "dataset"},
        },
        {
            "name": "asked",
            "kind": "instruction",
            "paths": str(folder / "asked.jsonl"),
            "columns": {"text": "output", "prompt": "instruction"},
        },
        {"name": "text", "paths": str(folder / "text.jsonl")},
    ]


def recipe(folder: Path, **fields: Any) -> str:
    plain = {
        "name": "tried",
        "output": str(folder / "out"),
        "sources": sources(folder),
        "clean": {"pii": {"emails": "mask"}},
        "dedup": {"minhash": None},
        "conditioning": {"method": "chat"},
        **fields,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(plain))
    return str(path)


def ran(syllabus: Command, folder: Path, **fields: Any) -> pl.DataFrame:
    done = syllabus("run", recipe(folder, **fields))
    assert done.returncode == 0, done.stderr
    release = release_of(folder)
    assert verify(str(release)) == []
    return pl.read_parquet(release / "shards" / "*.parquet").sort("position")


def pieces(row: dict[str, Any], text: str = "text", segments: str = "segments") -> list[tuple[str, bool, str]]:
    return [(one["kind"], one["loss"], row[text][one["start"] : one["end"]]) for one in row[segments]]


def test_every_kind_in_one_release(syllabus: Command, tmp_path: Path) -> None:
    rows = ran(syllabus, tmp_path)
    release = release_of(tmp_path)
    counts = dict(rows.group_by("source").len().iter_rows())
    assert counts == {"chat": 40, "sharegpt": 20, "rows": 10, "pairs": 21, "verified": 15, "asked": 10, "text": 10}
    assert rows.columns[11:] == [
        "chosen",
        "rejected",
        "chosen_segments",
        "rejected_segments",
        "ground_truth",
        "verifier",
    ]
    assert not any(MAIL in text for text in [*rows["text"], *rows["rejected"].drop_nulls()])
    manifest = json.loads((release / "manifest.json").read_text())
    edits = {(edit["stage"], edit["rule"]): edit["documents"] for edit in manifest["edits"]}
    assert edits["pii", "emails:turns"] == 40 + 10 + 20
    assert [error["reason"] for error in manifest["errors"]["rows"]] == [
        "`messages` is an empty list",
        "`messages`, turn 0 has the role `wizard`: say what it is, roles: {wizard: user}",
        "`messages` has no assistant turn",
    ]

    chat = {row["text"]: row for row in rows.filter(source="chat").iter_rows(named=True)}
    masked = [{**turn, "content": turn["content"].replace(MAIL, "email@example.com")} for turn in turns(4, 2, True)]
    written = "".join(
        f"<|{turn['role']}|>\n{turn['content']}" + ("<|endoftext|>\n" if turn["role"] == "assistant" else "\n")
        for turn in masked
    ).removesuffix("\n")
    found = pieces(chat[written])
    assert [kind for kind, _, _ in found] == ["system", "user", *["assistant"] * 3, "user", *["assistant"] * 2]
    trained = [text for _, loss, text in found if loss]
    assert trained == [f"{turn['content']}<|endoftext|>" for turn in masked if turn["role"] == "assistant"]

    pair = rows.filter(source="pairs").row(0, named=True)
    assert pair["text"] == pair["chosen"] != pair["rejected"]
    for side in ("chosen", "rejected"):
        kinds = [(kind, loss) for kind, loss, _ in pieces(pair, side, f"{side}_segments")]
        assert kinds == [("user", False), ("assistant", False), ("assistant", True)]
    whole = rows.filter(pl.col("text").str.contains(say(3001), literal=True)).row(0, named=True)
    assert say(3002) in whole["rejected"]
    assert whole["rejected"].count(say(3000)) == 1
    assert "not used" not in whole["text"]

    verified = rows.filter(source="verified").row(0, named=True)
    assert verified["text"].endswith("<|assistant|>\n")
    assert not any(one["loss"] for one in verified["segments"])
    assert verified["verifier"] == "maths"
    assert verified["ground_truth"].isdigit()
    assert set(rows.filter(source="text")["chosen"]) == {None}

    batch = next(iter(ShardDataset(str(release), batch_size=200)))
    assert [row["rejected"] for row in batch] == rows["rejected"].to_list()
    explained = syllabus("explain", str(release), "chat-3")
    assert explained.returncode == 0
    assert "chat.jsonl" in explained.stdout


def test_without_a_formatter_turns_are_joined_by_blank_lines(syllabus: Command, tmp_path: Path) -> None:
    rows = ran(syllabus, tmp_path, conditioning={"template": "{source}: "}, clean={})
    row = rows.filter(pl.col("text").str.contains(say(300), literal=True)).row(0, named=True)
    assert row["text"] == "chat: " + "\n\n".join(turn["content"] for turn in turns(3, 1))
    assert [(kind, loss) for kind, loss, _ in pieces(row)] == [
        ("metadata", False),
        ("user", False),
        ("assistant", True),
    ]


def test_the_bytes_are_the_same_for_any_partitions_and_workers(syllabus: Command, tmp_path: Path) -> None:
    parts = {"threads": {"kind": "threads", "workers": 1}, "many": {"kind": "threads", "workers": 3}}
    made = {}
    for name, engine in parts.items():
        engine["partition_bytes"] = 2_000 if name == "many" else 200_000_000
        folder = tmp_path / name
        folder.mkdir()
        ran(syllabus, folder, engine=engine)
        made[name] = shard_bytes(release_of(folder))
    assert made["threads"] == made["many"]


def test_records_differ_in_any_part(syllabus: Command, tmp_path: Path) -> None:
    base = turns(1, 1)
    other_role = [{**base[0], "role": "system"}, base[1]]
    weighted = [base[0], {**base[1], "weight": 0.5}]
    write_jsonl(tmp_path / "c.jsonl", [{"messages": m} for m in (base, base, other_role, weighted)])
    write_jsonl(
        tmp_path / "p.jsonl",
        [{"prompt": "a", "chosen": "b", "rejected": r} for r in ("c", "d", "c")],
    )
    done = syllabus(
        "run",
        recipe(
            tmp_path,
            sources=[
                {"name": "c", "kind": "conversation", "paths": str(tmp_path / "c.jsonl")},
                {"name": "p", "kind": "preference", "paths": str(tmp_path / "p.jsonl")},
            ],
        ),
    )
    assert done.returncode == 0, done.stderr
    release = release_of(tmp_path)
    assert dict(pl.read_parquet(release / "shards" / "*.parquet").group_by("source").len().iter_rows()) == {
        "c": 3,
        "p": 2,
    }
    dropped = pl.read_parquet(release / "dropped" / "exact" / "*.parquet")
    assert dropped["id"].to_list() == dropped["kept_id"].to_list()
    assert len(dropped) == 2


@pytest.mark.parametrize(("which", "left"), [("all", 0), ("assistant", 10), ("user", 0)])
def test_rules_look_at_the_turns_that_are_said(syllabus: Command, tmp_path: Path, which: str, left: int) -> None:
    """What users say repeats itself, what the assistant says does not."""
    again = " ".join(["the same words again and again"] * 30)
    write_jsonl(
        tmp_path / "c.jsonl",
        [
            {"messages": [{"role": "user", "content": again}, {"role": "assistant", "content": say(n, 60)}]}
            for n in range(10)
        ],
    )
    source = {"name": "c", "kind": "conversation", "paths": str(tmp_path / "c.jsonl")}
    done = syllabus("run", recipe(tmp_path, sources=[source], clean={"rules": ["gopher_repetition"], "turns": which}))
    if left == 0:
        assert "every document was dropped" in done.stderr
    else:
        rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
        assert len(rows) == left
        assert all(again in text for text in rows["text"])


def test_rules_that_rewrite_leave_conversations_as_they_are(syllabus: Command, tmp_path: Path) -> None:
    lines = "A whole sentence, with some words in it and an end.\nno end here\n" * 3
    write_jsonl(
        tmp_path / "c.jsonl",
        [
            {"messages": [{"role": "user", "content": f"q {n}"}, {"role": "assistant", "content": lines}]}
            for n in range(4)
        ],
    )
    source = {"name": "c", "kind": "conversation", "paths": str(tmp_path / "c.jsonl")}
    rules = [{"c4": {"min_sentences": 1}}]
    done = syllabus("run", recipe(tmp_path, sources=[source], clean={"rules": rules}))
    assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
    assert len(rows) == 4
    assert all("no end here" in text for text in rows["text"])


@pytest.mark.parametrize("compare", ["prompt", "text", "both"])
def test_benchmark_items_are_found_in_users_turns(syllabus: Command, tmp_path: Path, compare: str) -> None:
    item, answer = say(77, 14), say(78, 14)
    write_jsonl(tmp_path / "bench.jsonl", [{"text": item}])
    write_jsonl(
        tmp_path / "c.jsonl",
        [
            {
                "messages": [
                    *turns(1, 1),
                    {"role": "user", "content": f"Now: {item}"},
                    {"role": "assistant", "content": answer},
                ]
            },
            {"messages": [{"role": "user", "content": say(79)}, {"role": "assistant", "content": f"{item} {answer}"}]},
            {"messages": turns(2, 2)},
        ],
    )
    source = {"name": "c", "kind": "conversation", "paths": str(tmp_path / "c.jsonl")}
    bench = {"benchmarks": [str(tmp_path / "bench.jsonl")], "compare": compare, "action": "mask"}
    done = syllabus("run", recipe(tmp_path, sources=[source], decontaminate=bench))
    assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
    assert len(rows) == (2 if compare == "prompt" else 1)  # dropped, never masked
    assert not any(f"Now: {item}" in text for text in rows["text"])


@pytest.mark.parametrize("where", ["chosen", "rejected", "ground_truth", "verifier"])
def test_benchmark_items_are_found_wherever_a_record_is_written_from(
    syllabus: Command, tmp_path: Path, where: str
) -> None:
    item = say(77, 14)
    write_jsonl(tmp_path / "bench.jsonl", [{"text": item}])
    pair = {"prompt": say(1), "chosen": say(2), "rejected": say(3)}
    asked = {"prompt": say(4), "ground_truth": say(5), "verifier": "maths"}
    for name, row in (("pairs", pair), ("asked", asked)):
        hit = {**row, where: item} if where in row else row
        write_jsonl(tmp_path / f"my-{name}.jsonl", [hit, {**row, "prompt": say(6)}])
    given = [
        {"name": "pairs", "kind": "preference", "paths": str(tmp_path / "my-pairs.jsonl")},
        {"name": "asked", "kind": "verifiable", "paths": str(tmp_path / "my-asked.jsonl")},
    ]
    bench = {"benchmarks": [str(tmp_path / "bench.jsonl")]}
    rows = ran(syllabus, tmp_path, sources=given, decontaminate=bench)
    assert len(rows) == 3
    assert not [value for row in rows.iter_rows() for value in row if isinstance(value, str) and item in value]


def test_cuts_are_made_in_texts_alone(syllabus: Command, tmp_path: Path) -> None:
    long = say(1, 200)
    write_jsonl(tmp_path / "t.jsonl", [{"text": f"{say(n)} {long}"} for n in range(3)])
    write_jsonl(
        tmp_path / "c.jsonl",
        [
            {"messages": [{"role": "user", "content": say(50 + n)}, {"role": "assistant", "content": long}]}
            for n in range(3)
        ],
    )
    given = [
        {"name": "t", "paths": str(tmp_path / "t.jsonl")},
        {"name": "c", "kind": "conversation", "paths": str(tmp_path / "c.jsonl")},
    ]
    dedup = {"minhash": None, "substrings": {"min_bytes": 200}}
    done = syllabus("run", recipe(tmp_path, sources=given, dedup=dedup))
    assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet")
    whole = rows.filter(pl.col("text").str.contains(long, literal=True)).group_by("source").len()
    assert dict(whole.iter_rows()) == {"t": 1, "c": 3}


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
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([say(1)], trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)


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


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"kind": "conversation", "prompt_column": "x"}, "prompt_column is for kind: instruction"),
        ({"kind": "text", "columns": {"messages": "turns"}}, "columns.messages is not read of kind: text"),
        ({"kind": "preference", "columns": {"text": "body"}}, "columns.text is not read of kind: preference"),
        ({"kind": "text", "roles": {"x": "user"}}, "roles are for records that are made of turns"),
        ({"kind": "chat"}, "conversation"),
    ],
)
def test_what_does_not_go_together(syllabus: Command, tmp_path: Path, source: dict[str, Any], says: str) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n')
    done = syllabus("run", recipe(tmp_path, sources=[{"name": "x", "paths": str(tmp_path / "x.jsonl"), **source}]))
    assert done.returncode == 2
    assert says in done.stderr


def test_preferences_are_not_packed(syllabus: Command, tmp_path: Path, tokenizer: str) -> None:
    done = syllabus("run", recipe(tmp_path, shards={"tokenizer": tokenizer, "sequence_length": 64}))
    assert done.returncode == 2
    assert "kind: preference" in done.stderr


def test_a_chat_file_read_as_text_says_what_to_write(syllabus: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c.jsonl", [{"conversations": [{"from": "human", "value": "a"}]}])
    done = syllabus("run", recipe(tmp_path, sources=[{"name": "c", "paths": str(tmp_path / "c.jsonl")}]))
    assert done.returncode == 2
    assert "kind: conversation, columns: {messages: conversations}" in " ".join(done.stderr.split())


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


def test_texts_and_prompts_of_several_columns(syllabus: Command, tmp_path: Path) -> None:
    rows = [
        {
            "subject": f"s{n} {say(n, 4)}",
            "body": say(n + 50, 6) if n % 2 else None,
            "instruction": f"do {n}",
            "input": f"in {n}" * (n % 3),
        }
        for n in range(6)
    ]
    write_jsonl(tmp_path / "mail.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "mail.parquet")
    with (tmp_path / "mail.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    columns = {"text": ["subject", "body"], "join": " | "}
    for ending in ("jsonl", "parquet", "csv"):
        folder = tmp_path / ending
        folder.mkdir()
        source = {"name": "mail", "paths": str(tmp_path / f"mail.{ending}"), "columns": columns}
        source["prompt_column"] = ["instruction", "input"]
        made = ran(syllabus, folder, sources=[source], conditioning=None)
        wanted = set()
        for n, row in enumerate(rows):
            text = " | ".join(part for part in (row["subject"], row["body"]) if part)
            prompt = " | ".join(part for part in (row["instruction"], row["input"]) if part)
            wanted.add(f"{prompt}\n\n{text}")
            assert n < len(rows)
        assert set(made["text"]) == wanted
    (tmp_path / "other.jsonl").write_text(json.dumps({"subject": "a"}) + "\n")
    source = {"name": "mail", "paths": str(tmp_path / "other.jsonl"), "columns": columns}
    done = syllabus("run", recipe(tmp_path, sources=[source]))
    assert done.returncode == 2
    assert "no column `body`" in " ".join(done.stderr.split())
