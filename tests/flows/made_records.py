"""Records of every kind in files as people have them, and a recipe over them."""

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
import yaml

from curation.releases.verify import verify
from tests.conftest import release_of, write_jsonl

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
