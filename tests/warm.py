"""Compile the kernels of cleaning and deduplication once, before several workers of the tests would each: `python -m tests.warm`."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tests.conftest import texts, write_jsonl


def rule_sets() -> list[dict[str, Any]]:
    """Those that need no file of the user's, as a recipe has them."""
    from curation.rules.apply import FUNCTIONS

    found = []
    for model in FUNCTIONS:
        plain = {"name": model.model_fields["name"].default or model.model_fields["name"].annotation.__args__[0]}
        try:
            model.model_validate(plain)
        except ValidationError:
            continue
        found.append(plain)
    return found


def compile_all(number: int) -> None:
    """A run's stages up to duplicates over a few documents, with half of the rule sets."""
    from curation.stages.deduplicate import deduplicate
    from schemas.recipe import Recipe
    from tests.partitions import prepare_files

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_jsonl(folder / "a.jsonl", [{"text": text} for text in texts(30)])
        plain: dict[str, Any] = {"name": "warm", "sources": [{"name": "a", "paths": [str(folder / "a.jsonl")]}]}
        clean = {"rules": rule_sets()[number::2], "words": ["whitespace", "unicode"][number], "verdicts": "all"}
        normalise = {"accents": True, "punctuation": True, "digits": True}
        minhash = {"unit": ["words", "characters"][number], "normalise": normalise}
        dedup = {"exact": ["document", "normalised", "url"], "minhash": minhash}
        recipe = Recipe.model_validate({**plain, "clean": clean, "dedup": dedup})
        deduplicate(prepare_files(recipe, folder), recipe.dedup)


def main() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(compile_all, range(2)))


if __name__ == "__main__":
    main()
