"""Published rule sets, in the recipe's order: each sees the text as the one before left it, the first that drops decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from curation.rules.gopher_quality import gopher_quality
from curation.rules.gopher_repetition import gopher_repetition
from curation.rules.verdicts import Failure, Verdicts, collect
from schemas import rules as models
from schemas.errors import RecipeError

__all__ = ["FUNCTIONS", "Verdicts", "apply"]

FUNCTIONS: dict[type, Callable[[str, list[str], Any], Failure | None]] = {
    models.GopherQuality: gopher_quality,
    models.GopherRepetition: gopher_repetition,
}
"""(text, words, params) to the first failure."""


def apply(texts: pa.LargeStringArray, rules: list[Any], *, words: str, urls: pa.ChunkedArray) -> Verdicts:
    """The verdicts of a batch. Raises RecipeError for a word definition that is not there yet."""
    if words != "whitespace":
        raise RecipeError("clean.words", f"not yet: {words!r} words have not landed; use whitespace")
    failures: list[Failure | None] = []
    # A Python loop over documents: the kernels over the Arrow buffers come with the rest of the rule sets.
    for text in texts.to_pylist():
        split = text.split()
        failures.append(
            next((f for rule in rules if (f := FUNCTIONS[type(rule)](text, split, rule)) is not None), None)
        )
    return collect(texts, failures)
