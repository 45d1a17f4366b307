"""What training told of the example instructions, document by document: reports of rounds, and two models' scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

ROUNDS = 3
DISTILLED = 0.25
"""A teacher's score over the student's by so much is hard for the student."""


def _drawn(*names: object) -> float:
    """A number from 0 to 1 that follows from names."""
    digest = hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def document_reports(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of each round and document whether it was answered right; what was wrong once is learned in the end."""
    names = [row["id"] for row in rows]
    for number in range(ROUNDS):
        for name in names:
            right = _drawn("ease", name) + 0.15 * number > 0.3 + 0.2 * _drawn(number, name)
            yield {"run_id": "student", "round": number, "id": name, "correct": int(right)}


def scores(rows: Iterable[dict[str, Any]], model: str) -> Iterator[dict[str, Any]]:
    """How good an answer each model gives: the teacher's are better, more so where the student is weak."""
    for row in rows:
        weak = 0.5 * _drawn("weak", row["id"]) if model == "student" else 0.0
        yield {"id": row["id"], "score": round(0.55 + 0.4 * _drawn("good", row["id"]) - weak, 4)}


def skill_losses() -> Iterable[dict[str, Any]]:
    """A loss report after round 1 of Skill-It: six evaluations of each skill."""
    draw = Random("losses")
    for at in range(6):
        for skill, loss in {"skill1": 0.70, "skill2": 0.68, "skill3": 0.72, "skill4": 0.66, "skill5": 0.71}.items():
            value = loss * (0.9 if skill == "skill1" else 0.97) ** at + draw.uniform(0, 0.01)
            yield {
                "run_id": "lego",
                "round": 0,
                "step": 50 * at,
                "eval_index": at,
                "group": skill,
                "loss": round(value, 5),
            }
