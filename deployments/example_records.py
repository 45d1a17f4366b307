"""Records that are made of turns: conversations, pairs of answers, and prompts whose answers are checked, about sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

PLANTED = 8
"""Conversations whose last question is an item of the benchmark."""
VERBS = {"+": ("add {b} to {a}", "plus"), "-": ("take {b} from {a}", "minus"), "*": ("multiply {a} by {b}", "times")}
WORK: dict[str, Callable[[int, int], int]] = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
OPENINGS = (
    "Could you please",
    "I would like you to",
    "For my homework,",
    "Quickly now:",
    "As a check,",
    "Before lunch,",
)


def files() -> dict[str, list[dict[str, Any]]]:
    """The files and their rows."""
    return {
        "chats.jsonl": list(chats()),
        "chat_benchmark.jsonl": [{"id": f"chat-item-{number}", "text": item(number)} for number in range(40)],
        "preferences.jsonl": list(preferences()),
        "verifiable.jsonl": list(verifiable()),
    }


def _sum(draw: Random) -> tuple[str, int, str]:
    """A question, its answer, and the working."""
    a, b, sign = draw.randint(10, 999), draw.randint(10, 99), draw.choice(list(VERBS))
    ask, word = VERBS[sign]
    made = WORK[sign](a, b)
    return f"{draw.choice(OPENINGS)} {ask.format(a=a, b=b)}.", made, f"{a} {word} {b} is {made}."


def item(number: int) -> str:
    """A question of the benchmark; the first ones leaked into conversations."""
    draw = Random(f"chat item {number}")
    names = [draw.choice(("Ada", "Ben", "Cleo", "Dov", "Eva", "Finn")) for _ in range(2)]
    a, b, c = (draw.randint(10, 99) for _ in range(3))
    return (
        f"{names[0]} has {a} marbles and gives {b} of them to {names[1]}, who then buys {c} more at the market. "
        f"How many marbles do {names[0]} and {names[1]} have together at the end of the day?"
    )


def chats(n: int = 300) -> Iterable[dict[str, Any]]:
    """Conversations of one to three sums; a third begin with a system turn, some have a wrong first answer that is not to be learned
    (`train: false`), and the last question of the first few is an item of the benchmark."""
    draw = Random("chats")
    for number in range(n):
        turns: list[dict[str, Any]] = []
        if number % 3 == 0:
            turns.append({"role": "system", "content": "You reckon carefully and answer in one sentence."})
        for step in range(draw.randint(1, 3)):
            question, right, working = _sum(draw)
            turns.append({"role": "user", "content": question})
            if number % 10 == 7 and step == 0:
                turns.append({"role": "assistant", "content": f"That makes {right + 1}.", "train": False})
                turns.append({"role": "user", "content": "Are you sure? Look again."})
            turns.append({"role": "assistant", "content": working})
        if number < PLANTED:
            turns += [
                {"role": "user", "content": item(number)},
                {"role": "assistant", "content": "Let me count them one after the other."},
            ]
        yield {"id": f"chat-{number}", "messages": turns}


def preferences(n: int = 150) -> Iterable[dict[str, Any]]:
    """A right answer with its working against a wrong one without."""
    draw = Random("preferences")
    for number in range(n):
        question, right, working = _sum(draw)
        yield {
            "id": f"pair-{number}",
            "prompt": question,
            "chosen": working,
            "rejected": f"It is {right + draw.choice((-10, 1, 10))}.",
        }


def verifiable(n: int = 120) -> Iterable[dict[str, Any]]:
    """Questions with the number that an answer must come to."""
    draw = Random("verifiable")
    for number in range(n):
        question, right, _ = _sum(draw)
        prompt = [{"role": "user", "content": f"{question} Give the number alone."}]
        yield {"id": f"sum-{number}", "messages": prompt, "ground_truth": str(right), "dataset": "sums"}
