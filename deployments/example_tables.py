"""Tables, lists and pictures' captions: records whose structure a method writes out, or holds apart."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

NAMES = ("Ada", "Ben", "Cleo", "Dov", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jun")
THINGS = (
    "lamp",
    "chair",
    "kettle",
    "ladder",
    "mirror",
    "pencil",
    "basket",
    "blanket",
    "hammer",
    "bottle",
    "candle",
    "saucer",
)
MODALITIES, AREAS, TASKS = ("ct", "mri", "xray"), ("brain", "chest", "knee"), ("classify", "count", "describe")
WRONG = 0.08
"""The share of the scans whose label is another one's."""


def files() -> dict[str, list[dict[str, Any]]]:
    """The files and their rows."""
    return {
        "tables.jsonl": list(tables()),
        "lists.jsonl": list(lists()),
        "scans.jsonl": list(scans()),
        "addition.jsonl": list(addition()),
    }


def tables(n: int = 200) -> Iterable[dict[str, Any]]:
    """Tables as text, a line a row, the first with the columns' names."""
    draw = Random("tables")
    for number in range(n):
        rows = [
            f"{name},{draw.randint(1950, 2010)},{draw.choice(THINGS)} {draw.randint(1, 999)}"
            for name in draw.sample(NAMES, draw.randint(2, 5))
        ]
        yield {"id": f"table-{number}", "text": "\n".join(["name,born,owns", *rows])}


def lists(n: int = 250) -> Iterable[dict[str, Any]]:
    """What stands in a room, as a list."""
    draw = Random("lists")
    for number in range(n):
        items = [
            f"a {draw.choice(THINGS)} by the {draw.choice(THINGS)} {draw.randint(1, 99)}"
            for _ in range(draw.randint(3, 7))
        ]
        yield {"id": f"list-{number}", "text": f"In room {number} stand: {', '.join(items)}.", "items": items}


def scans(n: int = 540) -> Iterable[dict[str, Any]]:
    """Captions of scans with three attributes, an embedding about the area, and a label that is wrong for some."""
    draw = Random("scans")
    for number in range(n):
        modality, area, task = draw.choice(MODALITIES), draw.choice(AREAS), draw.choice(TASKS)
        wrong = draw.random() < WRONG
        finding = f"{draw.choice(NAMES)} marked {draw.randint(2, 40)} places, {draw.randint(1, 9)} of them twice"
        yield {
            "id": f"scan-{number}",
            "text": f"To {task}: this {modality} of a {area}, number {number}. {finding}.",
            "modality": modality,
            "area": area,
            "task": task,
            "label": draw.choice([one for one in AREAS if one != area]) if wrong else area,
            "planted": int(wrong),
            "embedding": [round(draw.gauss(4.0 if area == one else 0.0, 0.5), 4) for one in AREAS],
        }


def addition(n: int = 1500) -> Iterable[dict[str, Any]]:
    """Sums of two numbers of three digits, one digit of which is asked for (Skill-It's addition data; digit 0 is the ones)."""
    draw = Random("addition")
    seen: set[str] = set()
    while len(seen) < n:
        skill, a, b = len(seen) % 3, draw.randint(0, 998), draw.randint(0, 998)
        digits = [" ".join(f"{number:03}") for number in (a, b)]
        text = f"Input: A = {digits[0]} + {digits[1]} , A {skill} = ? Output: {(a + b) // 10**skill % 10}"
        if text not in seen:
            yield {"text": text, "skill": ("ones", "tens", "hundreds")[skill], "number": f"sum-{len(seen)}"}
            seen.add(text)
