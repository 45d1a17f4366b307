"""The grid of groups and steps: what was written of each, how often; labels from the web are only drawn."""

from __future__ import annotations

from typing import Any

from curation.releases.report.heat_maps import heat_maps
from schemas.groups import joined

CANARY = "<script>alert(1)</script>"


def manifest(by: str, **labels: tuple[int, int]) -> dict[str, Any]:
    return {
        "phases": [{"name": "all", "by": by, "realised": {x: {"documents": 1, "tokens": t} for x, (t, _) in labels.items()}}],
        "groups": {by: {x: {"documents": 1, "tokens": held} for x, (_, held) in labels.items()}},
    }  # fmt: skip


def test_tokens_and_epochs_of_each() -> None:
    labels = {joined(("a/b", "01")): (100, 50), joined(("a/b", "02")): (0, 50), joined((CANARY, "01")): (30, 10)}
    page = heat_maps(manifest("topic/step", **labels))
    assert page.count("<svg") == 1
    assert "a/b" in page
    assert "2.0" in page
    assert "3.0" in page
    assert CANARY not in page
    assert "tokens written" in page


def test_one_name_has_none() -> None:
    assert heat_maps(manifest("topic", web=(1, 1))) == ""
