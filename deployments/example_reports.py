"""What training told of the example instructions, document by document: reports of rounds, and two models' scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
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
