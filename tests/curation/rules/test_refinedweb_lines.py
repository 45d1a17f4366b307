"""RefinedWeb's line-wise corrections: each line rule by itself, and the share of words that may go."""

from __future__ import annotations

import pyarrow as pa
import pytest

from curation.rules.apply import apply
from schemas.rules import RefinedWebLines
from tests.curation.rules.plain.refinedweb_lines import refinedweb_lines

BODY = "This is a line of running text that nobody would want to lose.\n" * 12


@pytest.mark.parametrize(
    ("line", "left", "rule"),
    [
        ("BUY NOW AND SAVE", None, "refinedweb_uppercase"),
        ("2024 1999", "2024 1999", None),  # a space is no digit: .888
        ("12345", None, "refinedweb_digits"),
        ("1.2K views", None, "refinedweb_counter"),
        ("* 3 Likes!", None, "refinedweb_counter"),
        ("we had 3 likes", "we had 3 likes", None),
        ("Menu", None, "refinedweb_too_few_words"),
        ("", "", None),
        ("The story goes on. Read more...", "The story goes on. ", "refinedweb_furniture"),
        ("Sign-in", None, "refinedweb_too_few_words"),
        ("sign-in to reply", " to reply", "refinedweb_furniture"),
        ("3 items in cart", "3 ", "refinedweb_furniture"),
        ("items in cart", None, "refinedweb_furniture"),
    ],
)
def test_lines(line: str, left: str | None, rule: str | None) -> None:
    text, failure, edits = refinedweb_lines(BODY + line, RefinedWebLines())
    assert failure is None
    assert text == (BODY + left if left is not None else BODY.removesuffix("\n"))
    assert dict(edits) == ({rule: 1} if rule else {})


def test_a_document_that_loses_too_much_is_dropped() -> None:
    text = "one two three four five six seven eight nine ten\nMENU\nabout us here"
    verdicts = apply(pa.table({"text": pa.array([text], pa.large_string())}), [RefinedWebLines()])
    assert verdicts.reasons == ("too_many_removed_words",)
    assert (verdicts.value[0], verdicts.threshold[0]) == (pytest.approx(1 / 14), 0.05)
    assert verdicts.texts.to_pylist() == [text]
    off = RefinedWebLines(max_removed_words=None, min_words=None, max_uppercase=None)
    assert refinedweb_lines(text, off) == (text, None, {})
