"""What an error links to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curation.recipes.reference import PAGE, link
from schemas.recipe import Recipe
from tests.conftest import ROOT, Command

ANCHORS = set(re.findall(r"\{ #([\w-]+) \}", (ROOT / PAGE).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("place", "anchor"),
    [
        ("dedup.minhash.bands", "dedup-minhash"),
        ("sources[0]", "sources-source"),
        ("sources[0].columns.text", "sources-columns"),
        ("shards.max_byte", "shards"),
        ("mixture.weights", "recipe"),
        ("phases[0].order.by", "recipe"),
        ("clean.language.model", "cleaning-language"),
    ],
)
def test_the_innermost_section_that_is_certain(place: str, anchor: str) -> None:
    assert link(place) == f"{PAGE}#{anchor}"


def test_every_field_of_a_recipe_leads_to_a_section() -> None:
    for name in Recipe.model_fields:
        for place in (name, f"{name}[0].a.b", f"{name}.a[1]"):
            found = link(place)
            assert found is not None
            assert found.split("#")[1] in ANCHORS


@pytest.mark.parametrize("place", ["", "nonsense", "recipe", "/some/file.yaml"])
def test_what_is_no_field_leads_nowhere(place: str) -> None:
    assert link(place) is None


def test_it_is_said_on_the_line_of_the_mistake(tmp_path: Path, syllabus: Command) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: a\nsources: [{name: w, paths: [w.jsonl]}]\nshards: {max_byte: 3}\n")
    done = syllabus("run", str(path))
    assert done.returncode == 2
    assert done.stderr == f"error: shards.max_byte: unknown key 'max_byte'; did you mean 'max_bytes'? [{PAGE}#shards]\n"
