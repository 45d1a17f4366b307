"""Published rule sets, in the recipe's order: each sees the text as the one before left it, the first that drops decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from curation.rules.c4_quality import c4_quality
from curation.rules.fineweb_quality import fineweb_quality
from curation.rules.gopher_quality import gopher_quality
from curation.rules.gopher_repetition import gopher_repetition
from curation.rules.refinedweb_lines import refinedweb_lines
from curation.rules.verdicts import Failure, Verdicts, collect
from schemas import rules as models
from schemas.errors import RecipeError

__all__ = ["FUNCTIONS", "Verdicts", "apply"]

FUNCTIONS: dict[type, Callable[[str, list[str], Any], Failure | None]] = {
    models.GopherQuality: gopher_quality,
    models.GopherRepetition: gopher_repetition,
    models.FineWeb: fineweb_quality,
}
"""(text, words, params) to the first failure."""

REWRITING: dict[type, Callable[[str, Any], tuple[str, Failure | None, Counter[str]]]] = {
    models.C4: c4_quality,
    models.RefinedWebLines: refinedweb_lines,
}
"""(text, params) to the text that is left, the first failure, and what was edited how often."""


def apply(texts: pa.LargeStringArray, rules: list[Any], *, words: str, urls: pa.ChunkedArray) -> Verdicts:
    """The verdicts of a batch; a document that is dropped keeps its text as the dropping rule saw it.

    Raises RecipeError for a word definition that is not there yet.
    """
    if words != "whitespace":
        raise RecipeError("clean.words", f"not yet: {words!r} words have not landed; use whitespace")
    failures: list[Failure | None] = []
    written: list[str] = []
    edits: dict[str, list[int]] = {}
    # A Python loop over documents: the kernels over the Arrow buffers come with the rest of the rule sets.
    for text in texts.to_pylist():
        left, failure, edited = judge(text, rules)
        failures.append(failure)
        written.append(left)
        for rule, places in edited.items():
            both = edits.setdefault(rule, [0, 0])
            both[0] += 1
            both[1] += places
    rewriting = any(type(rule) in REWRITING for rule in rules)
    rewritten = pa.array(written, pa.large_string()) if rewriting else texts
    return replace(collect(rewritten, failures), edits={rule: (n, places) for rule, (n, places) in edits.items()})


def judge(text: str, rules: list[Any]) -> tuple[str, Failure | None, Counter[str]]:
    """One document: the text as the last rule left it, the first failure, and the edits of a document that stays."""
    edits: Counter[str] = Counter()
    for rule in rules:
        if type(rule) in REWRITING:
            left, failure, edited = REWRITING[type(rule)](text, rule)
        else:
            left, failure, edited = text, FUNCTIONS[type(rule)](text, text.split(), rule), Counter()
        if failure is not None:
            return text, failure, Counter()
        text = left
        edits.update(edited)
    return text, None, edits
