"""Funnel arithmetic, and the golden shapes of manifest and shards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.releases.manifest import add_drops, funnel
from schemas.errors import RunError
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.tables import LEDGER, PACKED, SHARD

GOLDEN = Path(__file__).parents[2] / "golden"
RECIPE = Recipe.model_validate({"name": "x", "sources": [{"name": "a", "paths": ["a.jsonl"]}]})


@given(
    st.dictionaries(
        st.sampled_from(["read", "exact", "minhash", "schedule"]),
        st.dictionaries(st.text(max_size=3), st.integers(0, 50)),
    )
)
def test_the_funnel_adds_up(dropped: dict[str, dict[str, int]]) -> None:
    stages = funnel(RECIPE, 10_000, dropped)
    left = 10_000
    for stage in stages:
        assert stage.in_ == left
        assert stage.in_ == stage.out + sum(stage.dropped.values())
        left = stage.out
    assert left == 10_000 - sum(sum(rules.values()) for rules in dropped.values())


def test_a_stage_that_is_not_used_drops_nothing() -> None:
    with pytest.raises(RunError, match="language"):
        funnel(RECIPE, 10, {"language": {"x": 1}})


def test_add_drops() -> None:
    assert add_drops({"a": {"x": 1}}, {"a": {"x": 2, "y": 1}}, {}) == {"a": {"x": 3, "y": 1}}


@pytest.mark.parametrize(("name", "schema"), [("shard", SHARD), ("packed", PACKED), ("ledger", LEDGER)])
def test_table_schemas_are_as_promised(name: str, schema: object) -> None:
    assert (GOLDEN / f"{name}.schema.txt").read_text() == f"{schema}\n"


def test_the_manifest_is_as_promised() -> None:
    shape = json.loads((GOLDEN / "manifest.fields.json").read_text())
    assert sorted(Manifest.model_json_schema(by_alias=True)["properties"]) == shape
