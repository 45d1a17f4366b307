import pyarrow as pa
import pytest

from curation.methods.scorers import score
from schemas.scorers import AutoCot


def passes(question: str | None, rationale: str, expected: str | None = None, **settings: object) -> float:
    documents = pa.table(
        {
            "prompt": pa.array([question], pa.string()),
            "text": [rationale],
            "column:a": pa.array([expected], pa.string()),
        }
    )
    return float(score(documents, AutoCot.model_validate({"from": "auto_cot", **settings}))[0])


@pytest.mark.parametrize(
    ("question", "rationale", "settings", "expected"),
    [
        ("why " * 60, "So it is.", {}, 1),
        ("why " * 61, "So it is.", {}, 0),
        ("why", "a\nb\nc\nd\ne.", {}, 1),
        ("why", "a\nb\nc\nd\ne\nf.", {}, 0),
        ("why", "a\nb\nc\nd\ne\nf.", {"max_lines": 7}, 1),
        ("why", "a\n\nb\n\nc.", {}, 1),
        ("why", "So it is", {}, 0),
        ("why", " ", {}, 0),
        (None, "So it is.", {}, 1),
    ],
)
def test_heuristics(question: str | None, rationale: str, settings: dict[str, object], expected: float) -> None:
    assert passes(question, rationale, **settings) == expected


def test_the_answer() -> None:
    assert passes("q", "It is 4.", "4", answer="a") == 1
    assert passes("q", "It is 4.", None, answer="a") == 0
    assert passes("q", "First 7. It is 4.", "7", answer="a", answer_in_end=True) == 0
    assert passes("q", "First 7. It is 4.", "4", answer="a", answer_in_end=True) == 1
    assert passes("q", "First 7 . It is 4.", "7", answer="a", answer_in_end=True) == 1
