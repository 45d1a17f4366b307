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


def alignments(topics: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A report of DoGE's proxy: how far each domain's gradient points where the target's does; medicine's and maths' do most."""
    for step in range(20):
        for topic in topics:
            value = {"medicine": 0.9, "maths": 0.5}.get(topic, 0.1) + 0.05 * _drawn("align", topic, step)
            yield {"run_id": "proxy", "round": 0, "step": step, "eval_index": step, "group": topic, "loss": 2.0} | {
                "alignment": round(value, 4)
            }


def probes(topics: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A report of Aioli's probes: a domain's loss falls most after the probe that favours it, and medicine helps all."""
    named = list(topics)
    for number, probe in enumerate(named):
        for topic in named:
            gain = 0.05 + 0.3 * (topic == probe) + 0.15 * (probe == "medicine") + 0.01 * _drawn("probe", topic, probe)
            yield {
                "run_id": "probes",
                "round": 0,
                "step": number,
                "eval_index": number,
                "probe": probe,
                "group": topic,
            } | {
                "ref_loss": 2.0,
                "loss": round(2.0 - gain, 4),
            }
