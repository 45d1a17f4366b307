"""Auto-CoT's heuristics: is a question with its rationale simple enough to be a demonstration.

Source: Auto-CoT (Zhang et al. 2022), ``run_demo.py``. The question has at most 60 words; the rationale at most 5 lines,
and ends with a full stop; the answer is not empty, and for arithmetic stands in the last sentence or is one of the last
ten words. Where we differ: an empty rationale fails (it crashes the original).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.groupers.column import labels_of
from schemas.scorers import AutoCot


def auto_cot(documents: pa.Table, params: AutoCot) -> npt.NDArray[np.float64]:
    """1.0 where all heuristics hold, else 0.0: float64[n]. A Python loop: the rules are the original's string calls."""
    questions = documents["prompt"].to_pylist()
    rationales = documents["text"].to_pylist()
    answers = labels_of(documents, params.answer).to_pylist() if params.answer is not None else [None] * len(rationales)
    return np.array(
        [float(passes(q or "", r or "", a, params)) for q, r, a in zip(questions, rationales, answers, strict=True)]
    )


def passes(question: str, rationale: str, answer: str | None, params: AutoCot) -> bool:
    """Whether one question, its rationale and its answer meet the heuristics."""
    rationale = rationale.strip()
    lines = rationale.replace("\n\n", "\n").split("\n")
    if (
        len(question.split()) > params.max_question_words
        or len(lines) > params.max_lines
        or not rationale.endswith(".")
    ):
        return False
    if params.answer is not None and not answer:
        return False
    if params.answer_in_end and answer:
        return answer in rationale.split(".")[-2] or answer in rationale.split()[-10:]
    return True
