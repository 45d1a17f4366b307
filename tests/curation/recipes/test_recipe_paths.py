"""Deployments store absolute paths: every file that a shipped recipe names."""

from __future__ import annotations

import re

import pytest

from curation.recipes.recipe_file import load
from curation.recipes.recipe_paths import absolute
from tests.conftest import ROOT

RECIPES = ROOT / "deployments" / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_relative_path_is_left(path: object) -> None:
    recipe = load(str(path))
    plain = str(absolute(recipe).resolved())
    assert not re.findall(r"'(?:examples|raw|demo)/[^']*'", plain)
    assert absolute(recipe).output.startswith("/")
    assert absolute(absolute(recipe)) == absolute(recipe)


def test_object_store_urls_stay() -> None:
    recipe = load(str(RECIPES / "meco.yaml"), ["output=s3://bucket/out", "sources.0.paths=[s3://bucket/*.jsonl]"])
    assert absolute(recipe).output == "s3://bucket/out"
    assert absolute(recipe).sources[0].paths == ["s3://bucket/*.jsonl"]
