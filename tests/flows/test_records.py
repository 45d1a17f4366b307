"""Conversations, preferences and verifiable prompts through a recipe: from files as people have them to shards and ledger."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.training import ShardDataset
from tests.conftest import release_of, shard_bytes, write_jsonl
from tests.flows.made_records import MAIL, Command, pieces, ran, recipe, say, turns

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


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


def test_a_chat_file_read_as_text_says_what_to_write(syllabus: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c.jsonl", [{"conversations": [{"from": "human", "value": "a"}]}])
    done = syllabus("run", recipe(tmp_path, sources=[{"name": "c", "paths": str(tmp_path / "c.jsonl")}]))
    assert done.returncode == 2
    assert "kind: conversation, columns: {messages: conversations}" in " ".join(done.stderr.split())


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
