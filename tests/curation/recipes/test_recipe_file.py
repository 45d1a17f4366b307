"""Each mistake in one sentence: its place, what was got, what is allowed, once, and the nearest."""

from __future__ import annotations

from typing import Any

import pytest

from curation.recipes.recipe_file import validate
from schemas.errors import RecipeMistakes

BASE: dict[str, Any] = {"name": "x", "sources": [{"name": "a", "paths": ["a"]}]}
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"clean": {"rules": [{"gopher_qualty": {}}]}}, "clean.rules[0]: unknown `name` 'gopher_qualty'", "gopher_quality"),
    ({"clean": {"rules": ["gopher_qualty"]}}, "clean.rules[0]: unknown `name` 'gopher_qualty'", "gopher_quality"),
    ({"clean": {"rules": [{"name": "fineweeb"}]}}, "clean.rules[0]: unknown `name` 'fineweeb'", "fineweb"),
    ({"tags": {"t": {"from": "colum"}}}, "tags.t: unknown `from` 'colum'", "column"),
    ({"tags": {"t": {}}}, "tags.t: a mapping with `from` is needed; allowed: auto_cot", ""),
    ({"mixture": {"method": "propotional"}}, "mixture: unknown `method` 'propotional'", "proportional"),
    ({"mixture": "fixed"}, "mixture: got 'fixed'; write a mapping with `method`", "fixed"),
    ({"phases": [{"name": "a", "order": "shufle"}]}, "phases[0].order: got 'shufle'", "shuffle"),
    ({"phases": [{"name": "a", "order": {"method": "zigzag"}}]}, "phases[0].order: unknown `method`", "zig_zag"),
    ({"phases": [{"name": "a", "mixture": "inherited"}]}, "phases[0].mixture: got 'inherited'", "inherit"),
    ({"phases": [{"name": "a", "pool": {"select": [{"method": "topp"}]}}]}, "phases[0].pool.select[0]: unknown", "top"),
    ({"phases": [{"name": "a", "shar": 0.5}]}, "phases[0].shar: unknown key 'shar'", "share"),
    ({"conditioning": {"method": "chatt"}}, "conditioning: unknown `method` 'chatt'", "chat"),
    (
        {"dedup": {"keep": "firts"}},
        "dedup.keep: got 'firts'; allowed: best, first, latest, longest, or a mapping, or a list",
        "first",
    ),
    ({"engine": {"kind": "thread"}}, "engine.kind: got 'thread'", "threads"),
]


@pytest.mark.parametrize(("fields", "said", "nearest"), MISTAKES)
def test_a_mistake_is_one_sentence(fields: dict[str, Any], said: str, nearest: str) -> None:
    with pytest.raises(RecipeMistakes) as caught:
        validate({**BASE, **fields})
    (mistake,) = caught.value.mistakes
    text = str(mistake)
    assert text.startswith(said)
    assert text.endswith(f"; did you mean {nearest!r}?") == bool(nearest)
    listed = text.partition("allowed: ")[2].partition(";")[0].split(", ")
    assert len(listed) == len(set(listed))
    assert "got a mapping" not in text
    assert text.count("allowed:") <= 1


def test_a_key_of_another_kind_is_not_its_own_nearest() -> None:
    with pytest.raises(RecipeMistakes) as caught:
        validate({**BASE, "phases": [{"name": "a", "schedule": "levls", "by": "x"}]})
    assert "did you mean 'schedule'" not in str(caught.value)
    assert "did you mean 'by'" not in str(caught.value)
