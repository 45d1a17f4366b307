"""The list of methods: every part and recipe is in it, the README shows it, every published vector is accounted for."""

from __future__ import annotations

import json
import re

import pytest

from curation.recipes import methods
from tests.conftest import ROOT

RECIPES = ROOT / "deployments" / "recipes"
NOT_APPLICABLE = {
    "doremi.loss_weight": "for proxies that weigh the loss; releases carry the result by what they sample",
    "meco.schedule": "arithmetic of the authors' run (steps, batch size), which a recipe's budget stands for",
    "regmix.optimum": "needs the authors' table of 512 runs; tests/curation/methods/mixers/test_laws.py recovers a known optimum",
    "skillit.hfdataset_shrink": "a fault of the official class (its pool shrinks), which is not to be copied",
    "skillit.lego_text": "drawn from numpy's legacy global state; the recipe's data has the same format",
}
PARTS = {
    "dsir.gumbel_topk": "with given noise, which a recipe draws by id; the draw's chances are held through recipes",
    "dsir.hash": "buckets of n-grams, which a score sums up",
    "meco.all_masked": "a row without any loss, which no formatter writes but for a tokenizer that gives no token",
    "order.gumbel_jitter": "with given noise, which a recipe draws by id",
}
"""Vectors of what no recipe shows by itself: held by their functions alone."""


@pytest.fixture(scope="module")
def shipped() -> list[methods.Example]:
    return methods.examples(RECIPES)


def test_every_method_is_listed_once(shipped: list[methods.Example]) -> None:
    parts = methods.parts(shipped)
    names = [(part.idea, part.name) for part in parts]
    assert len(names) == len(set(names)) == sum(len(functions) for functions in methods.IDEAS.values())
    assert all(part.summary for part in parts)
    used = {part for example in shipped for part in example.parts}
    assert used <= set(names)
    assert all(example.method and example.description for example in shipped)


def test_every_vector_is_held_or_named() -> None:
    """Held where a recipe's user meets it: planned and scheduled, rendered, or in the shards of a run."""
    vectors = set(json.loads((ROOT / "tests" / "golden" / "method_vectors.json").read_text(encoding="utf-8")))
    tests = ROOT / "tests"
    through = [
        tests / "curation" / "mixture" / "test_vectors.py",
        tests / "curation" / "methods" / "mixers" / "test_vectors.py",
        *(tests / "flows").glob("test_*.py"),
    ]
    through += (tests / "curation" / "methods" / "formatters").glob(
        "test_*.py"
    )  # formatters.render, as the stage calls it
    said = "".join(path.read_text(encoding="utf-8") for path in through)
    held = set(re.findall(r'"([a-z0-9_.]+)"', said)) & vectors
    assert not held & (NOT_APPLICABLE.keys() | PARTS.keys())
    assert vectors - held == NOT_APPLICABLE.keys() | PARTS.keys()
    alone = "".join(path.read_text(encoding="utf-8") for path in (tests / "curation").rglob("test_*.py"))
    assert not [name for name in PARTS if f'vector("{name}")' not in alone]
