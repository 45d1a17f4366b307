"""Limits: which one, the value and the bound; what is left out is not asked for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from curation.releases.limits import broken
from schemas.limits import Limits
from schemas.manifest import Amount, FunnelStage
from schemas.recipe import Recipe


def manifest() -> Any:
    stages = [("read", 100, 90), ("rules", 90, 30), ("schedule", 30, 20)]
    funnel = [FunnelStage(stage=name, **{"in": a}, out=b, dropped={"x": a - b}) for name, a, b in stages]
    groups = {"source": {"web": Amount(documents=20, tokens=90), "books": Amount(documents=10, tokens=10)}}
    return SimpleNamespace(funnel=funnel, groups=groups)


def release(folder: Path) -> str:
    (folder / "pool").mkdir()
    for number, languages in enumerate((["en", "en", None], ["de"])):
        table = pa.table({"language": languages, "quality": pa.array([0.5] * len(languages), pa.float32())})
        pq.write_table(table, folder / "pool" / f"{number}.parquet")
    return str(folder)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"drop_rate": {"max": 0.7}}, []),
        ({"drop_rate": {"max": 0.6}}, ["limits.drop_rate: 0.7 is over 0.6"]),
        ({"stage_drop_rate": {"rules": {"min": 0.7}}}, ["limits.stage_drop_rate.rules: 0.6667 is under 0.7"]),
        ({"stage_drop_rate": {"pii": {"max": 1}}}, ["limits.stage_drop_rate.pii: there is nothing to measure"]),
        ({"language_share": {"en": {"min": 0.6}, "de": {"max": 0.5}}}, []),
        ({"language_share": {"fr": {"min": 0.1}}}, ["limits.language_share.fr: 0 is under 0.1"]),
        ({"mean_quality": {"min": 0.6}}, ["limits.mean_quality: 0.5 is under 0.6"]),
        (
            {"group_share": {"source": {"books": {"min": 0.2, "max": 1}}}},
            ["limits.group_share.source.books: 0.1 is under 0.2"],
        ),
        ({"source_drop_rate": 0.6, "bad_rows": {"a": 0.03}}, []),
        (
            {"source_drop_rate": {"a": 0.5}},
            ["limits.source_drop_rate.a: 0.6 is over 0.5; exact dropped most, 60 of 100 documents"],
        ),
        ({"bad_rows": 0.02}, ["limits.bad_rows.a: 0.02913 is over 0.02: 3 malformed rows"]),
    ],
)
def test_limits(limits: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    assert (
        broken(
            Limits.model_validate(limits), manifest(), release(tmp_path), {"a": (100, 3, {"exact": {"same_text": 60}})}
        )
        == said
    )


def test_what_a_limit_needs_is_asked_for() -> None:
    for limits, needed in (
        ({"language_share": {"en": {"min": 1}}}, "clean.language"),
        ({"mean_quality": {"min": 1}}, "clean.classifier"),
    ):
        with pytest.raises(ValidationError, match=needed):
            Recipe.model_validate({"name": "x", "sources": [{"name": "a", "paths": ["a"]}], "limits": limits})
    with pytest.raises(ValidationError, match="min is over max"):
        Limits.model_validate({"drop_rate": {"min": 1, "max": 0}})
