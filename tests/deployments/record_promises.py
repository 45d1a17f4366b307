"""What recipes over conversations, preferences and verifiable prompts promise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.example_records import PLANTED, item

if TYPE_CHECKING:
    from tests.deployments.test_recipes import Made


def said(row: dict[str, Any], text: str = "text", segments: str = "segments", loss: bool = True) -> list[str]:
    return [row[text][one["start"] : one["end"]] for one in row[segments] if one["loss"] == loss]


def tulu3_records(made: Made) -> None:
    assert made.names() == ["sft", "dpo", "rlvr"]
    assert made.dropped["decontaminate"] == {"ngram": PLANTED}
    assert not [text for text in made.rows["text"] for number in range(PLANTED) if item(number) in text]

    with Path("examples/chats.jsonl").open(encoding="utf-8") as file:
        chats = [json.loads(line)["messages"] for line in file][PLANTED:]
    sft = made.phase("sft")
    assert len(sft) == len(chats)
    taught = {
        tuple(turn["content"] for turn in turns if turn["role"] == "assistant" and turn.get("train", True))
        for turns in chats
    }
    found = [tuple(text.removesuffix("<|endoftext|>") for text in said(row)) for row in sft.iter_rows(named=True)]
    assert set(found) == taught
    assert any(len(answers) > 1 for answers in found)
    untrained = [turn["content"] for turns in chats for turn in turns if not turn.get("train", True)]
    assert untrained
    assert not [text for row in sft.iter_rows(named=True) for text in said(row) if text.startswith("That makes")]

    for row in made.phase("dpo").iter_rows(named=True):
        (chosen,), (rejected,) = said(row, "chosen", "chosen_segments"), said(row, "rejected", "rejected_segments")
        assert chosen != rejected
        assert row["text"] == row["chosen"]
        assert row["chosen"].removesuffix(chosen) == row["rejected"].removesuffix(rejected)

    for row in made.phase("rlvr").iter_rows(named=True):
        assert said(row) == []
        a, b = (int(number) for number in re.findall(r"\d+", row["text"])[:2])
        assert int(row["ground_truth"]) in {a + b, b - a, a * b}
        assert row["verifier"] == "sums"
