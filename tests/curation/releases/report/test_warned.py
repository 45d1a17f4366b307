"""Warnings with hostile labels and examples are text on the page; and a page that does not escape them is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from curation.releases.report.warned import warned
from schemas.manifest import RunWarning

HOSTILE = "<script>alert(1)</script>"


def page() -> str:
    examples: list[dict[str, Any]] = [{"id": HOSTILE, "excerpt": HOSTILE}]
    warning = RunWarning(stage="rules", source=HOSTILE, rule="c4", share=0.5, examples=examples)
    return warned({"warnings": [warning.model_dump(mode="json")]})


def test_labels_and_examples_are_escaped() -> None:
    made = page()
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 3


def test_a_page_that_does_not_escape_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("html.escape", lambda text, quote=True: text)
    with pytest.raises(AssertionError):
        test_labels_and_examples_are_escaped()
