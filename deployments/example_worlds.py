"""What happened over time: dialogues in four streams, experiences in a small world, records of several modalities, taught rationales."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

ROOMS = ("kitchen", "study", "cellar", "garden", "attic")
OBJECTS = ("cup", "lamp", "book", "rope", "key", "apple")
WORDS = (
    "please",
    "tell",
    "me",
    "where",
    "it",
    "is",
    "now",
    "and",
    "then",
    "show",
    "the",
    "way",
    "over",
    "there",
    "again",
)
MODALITIES = ("caption", "depth", "edges", "labels", "rgb")


def files() -> dict[str, list[dict[str, Any]]]:
    """The files and their rows."""
    taught = list(rationales())
    return {
        "dialogues.jsonl": list(dialogues()),
        "worlds.jsonl": list(worlds()),
        "modalities.jsonl": list(modalities()),
        "rationales.jsonl": taught,
        "student_success.jsonl": [
            {"id": row["id"], "success": Random(row["id"]).randint(0, 20) / 20} for row in taught
        ],
        "refined.jsonl": list(refined()),
    }


def dialogues(n: int = 150) -> Iterable[dict[str, Any]]:
    """Turns of user and model, each as text and as units of speech, with the seconds in which they are said."""
    draw = Random("dialogues")
    for number in range(n):
        items, at = [], 0.0
        for turn in range(draw.randint(2, 5)):
            side = "user" if turn % 2 == 0 else "model"
            words = [draw.choice(WORDS) for _ in range(draw.randint(4, 12))]
            end = at + len(words) * 0.4
            items.append((f"{side}_text", at, end, " ".join(words)))
            items.append(
                (f"{side}_speech", at, end, " ".join(f"u{draw.randint(0, 499)}" for _ in range(5 * len(words))))
            )
            at = end + draw.choice((-0.4, 0.2))  # now and then somebody interrupts
        yield {
            "id": f"dialogue-{number}",
            "text": " / ".join(text for stream, _, _, text in items if stream.endswith("text")),
            "streams": [stream for stream, _, _, _ in items],
            "starts": [f"{start:.1f}" for _, start, _, _ in items],
            "ends": [f"{end:.1f}" for _, _, end, _ in items],
            "texts": [text for _, _, _, text in items],
        }


def worlds(n: int = 250) -> Iterable[dict[str, Any]]:
    """Somebody carries a thing through rooms."""
    draw = Random("worlds")
    for number in range(n):
        thing, target = draw.choice(OBJECTS), draw.choice(ROOMS)
        actions, seen = [f"take the {thing}"], [f"the {thing} is in the hand"]
        for room in draw.sample(ROOMS, draw.randint(1, 4)):
            actions.append(f"walk to the {room}")
            seen.append(f"the {room} holds {draw.randint(2, 99)} {draw.choice(OBJECTS)}s")
        actions.append(f"put the {thing} in the {target}")
        seen.append(f"the {thing} is in the {target}")
        goal = f"bring the {thing} to the {target} (world {number})"
        yield {
            "id": f"world-{number}",
            "text": f"{goal}: {'; '.join(actions)}.",
            "goal": goal,
            "actions": actions,
            "seen": seen,
        }


def modalities(n: int = 200) -> Iterable[dict[str, Any]]:
    """Tokens of up to five modalities of one picture."""
    draw = Random("modalities")
    for number in range(n):
        names = sorted(draw.sample(MODALITIES, draw.randint(2, 5)))
        tokens = [" ".join(f"{name[0]}{draw.randint(0, 999)}" for _ in range(draw.randint(8, 40))) for name in names]
        yield {
            "id": f"picture-{number}",
            "text": f"Picture {number}: {' '.join(tokens)}",
            "names": names,
            "tokens": tokens,
        }


def rationales(questions: int = 100, of_each: int = 4) -> Iterable[dict[str, Any]]:
    """Several rationales of each question, all of which come to the right answer."""
    draw = Random("rationales")
    for number in range(questions):
        a, b = draw.randint(10, 99), draw.randint(10, 99)
        for version in range(of_each):
            how = draw.choice(("First", "To begin", "Start", "Let us see"))
            steps = f"{how}: {a} plus {b // 10 * 10} is {a + b // 10 * 10}; with {b % 10} more it is {a + b} (way {version})."
            yield {
                "id": f"rationale-{number}-{version}",
                "question": f"q{number}",
                "prompt": f"What is {a} plus {b}?",
                "text": steps,
            }


def refined(n: int = 200) -> Iterable[dict[str, Any]]:
    """A weak answer and a strong one to each question, with their scores, and the weight that follows from the gap."""
    draw = Random("refined")
    for number in range(n):
        a, b = draw.randint(10, 99), draw.randint(10, 99)
        weak, strong = round(draw.uniform(0, 0.9), 2), round(draw.uniform(0.4, 1), 2)
        yield {
            "id": f"refined-{number}",
            "prompt": f"What is {a} times {b}? (question {number})",
            "chosen": f"{a} times {b} is {a * b}: {a} times {b // 10 * 10} is {a * (b // 10 * 10)}, and the rest {a * (b % 10)}.",
            "rejected": f"Perhaps {a * b + draw.choice((-10, 10, 100))}.",
            "weak_score": weak,
            "strong_score": strong,
            "weight": round(max(strong - weak, 0.0), 2),
        }
