"""Personal data: what is hit, what is not, and that hostile text costs no more than its length."""

from __future__ import annotations

import pyarrow as pa
import pytest

from curation.cleaning.pii import mask
from schemas.cleaning import PersonalData

ALL = PersonalData(emails="mask", ips="mask", phones="mask")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to a.b+c@mail.example.co.uk now", "write to email@example.com now"),
        ("a@b stays", "a@b stays"),
        ("root@[10.0.0.1]", "email@example.com"),
        ("at 8.8.8.8, or 10.0.0.1", "at 22.214.171.124, or 10.0.0.1"),
        ("version 1.2.3.4.5 and 999.1.1.1 and 08.8.8.8", "version 1.2.3.4.5 and 999.1.1.1 and 08.8.8.8"),
        ("call (555) 123-4567 or 555-123-4567.", "call |||PHONE_NUMBER||| or |||PHONE_NUMBER|||."),
        ("the number 12345678901234", "the number 12345678901234"),
    ],
)
def test_masks(text: str, masked: str) -> None:
    assert mask(pa.array([text], pa.large_string()), ALL).texts.to_pylist() == [masked]


def test_counts_and_drops() -> None:
    texts = pa.array(["a@b.org c@d.org", "none", "8.8.8.8"], pa.large_string())
    assert mask(texts, ALL).edits == {"emails": (1, 2), "ips": (1, 1)}
    dropped = mask(texts, PersonalData(emails="drop", ips="mask"))
    assert [None if c < 0 else dropped.reasons[c] for c in dropped.rule] == ["emails", None, None]
    assert dropped.value[0] == 2


def test_long_runs_are_linear() -> None:
    hostile = pa.array(["a-" * 100_000 + "@", "1." * 100_000, "a." * 100_000 + "@" + "a." * 100_000], pa.large_string())
    assert len(mask(hostile, ALL).texts) == 3
