"""Rule sets over a batch, in the recipe's order: each sees the text as the one before left it, the first that drops decides.

Documents go through in blocks of about a megabyte, so that the words, found once for all sets that see the same text,
stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.arrow_text import as_text, buffers
from curation.methods.scorers import score
from curation.rules.bad_words import bad_words
from curation.rules.border import Border, nearest
from curation.rules.c4_quality import c4_quality
from curation.rules.custom import custom
from curation.rules.dclm_quality import dclm_quality
from curation.rules.dclm_repetition import dclm_repetition
from curation.rules.dolma_gopher import dolma_gopher
from curation.rules.fineweb_quality import fineweb_quality
from curation.rules.gopher_quality import gopher_quality
from curation.rules.gopher_repetition import gopher_repetition
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.refinedweb_lines import refinedweb_lines
from curation.rules.url_filter import url_filter
from curation.rules.words import Room
from schemas import rules as models

FUNCTIONS: dict[type, Callable[[Block, Any], Measured]] = {
    models.BadWords: bad_words,
    models.C4: c4_quality,
    models.Custom: custom,
    models.DclmQuality: dclm_quality,
    models.DclmRepetition: dclm_repetition,
    models.DolmaGopher: dolma_gopher,
    models.FineWeb: fineweb_quality,
    models.FineWebV1: fineweb_quality,
    models.GopherQuality: gopher_quality,
    models.GopherRepetition: gopher_repetition,
    models.RefinedWebLines: refinedweb_lines,
    models.UrlFilter: url_filter,
}
"""(block, params) to what the set measures, and the texts where it rewrites them."""

BLOCK_BYTES = 1_000_000


@dataclass(frozen=True)
class Verdicts:
    """texts: large_string[n], rewritten or as given; rule: int16[n], -1 keeps, else an index into reasons; value,
    threshold: float64[n], what was measured and its bound; edits: rule -> (documents, places) rewritten; statistics: a
    row a document, ``<set>.<rule>`` float64 and, where all verdicts are asked for, ``drops`` list<string>."""

    texts: pa.LargeStringArray
    rule: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    edits: dict[str, tuple[int, int]] = field(default_factory=dict)
    statistics: pa.Table | None = None
    borders: list[Border] = field(default_factory=list)
    """The kept documents nearest a bound: one a rule and block."""


def apply(
    documents: pa.Table,
    rules: list[Any],
    *,
    words: str = "whitespace",
    verdicts: str = "first",
    statistics: bool = False,
) -> Verdicts:
    """The verdicts of a batch; a document that is dropped keeps its text as the dropping rule saw it.

    documents: with ``text`` and whatever else a rule reads (``url``, ``language``, a scorer's columns). verdicts:
    ``first`` measures a document no further once a set drops it; ``all`` asks every set. Raises RecipeError for a list
    that is no file.
    """
    room = Room()
    parts = [
        _apply(documents.slice(start, n), rules, words, verdicts, statistics or verdicts == "all", room)
        for start, n in _blocks(as_text(documents["text"]))
    ]
    if not parts:
        parts = [_apply(documents, rules, words, verdicts, statistics or verdicts == "all", room)]
    reasons = parts[0].reasons
    edits: dict[str, list[int]] = {}
    for part in parts:
        for rule, (n, places) in part.edits.items():
            both = edits.setdefault(rule, [0, 0])
            both[0] += n
            both[1] += places
    measured = [part.statistics for part in parts if part.statistics is not None]
    starts = np.cumsum([0, *(len(part.rule) for part in parts)]).tolist()
    borders = [
        (rule, start + row, value, bound)
        for start, part in zip(starts, parts, strict=False)
        for rule, row, value, bound in part.borders
    ]
    return Verdicts(
        as_text(pa.chunked_array([part.texts for part in parts], pa.large_string())),
        np.concatenate([part.rule for part in parts]),
        reasons,
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.threshold for part in parts]),
        {rule: (n, places) for rule, (n, places) in edits.items()},
        pa.concat_tables(measured) if measured else None,
        borders,
    )


def _blocks(texts: pa.LargeStringArray) -> Iterator[tuple[int, int]]:
    """(first row, rows) of blocks of at most BLOCK_BYTES of text, or of one document."""
    _, offsets = buffers(texts)
    start = 0
    while start < len(texts):
        stop = int(np.searchsorted(offsets, offsets[start] + BLOCK_BYTES, side="right")) - 1
        stop = min(max(stop, start + 1), len(texts))
        yield start, stop - start
        start = stop


def _apply(documents: pa.Table, rules: list[Any], words: str, verdicts: str, statistics: bool, room: Room) -> Verdicts:
    n = len(documents)
    block = Block(as_text(documents["text"]), np.ones(n, dtype=bool), documents, words, room)
    outcome = _Outcome(n)
    for name, params in zip(names_of(rules), rules, strict=True):
        excused = _excused(params, block)
        for variant, mask in _by_language(params, documents):
            part = block if mask is None else replace(block, alive=block.alive & mask)
            part = part if excused is None else _still(part, part.alive & ~excused)
            measured = FUNCTIONS[type(params)](part, variant)
            failed = outcome.judge(name, measured, part.alive)
            if measured.texts is not None:
                block = replace(block, texts=measured.texts)
                outcome.edited(measured.edits)
            if verdicts == "first":
                block = _still(block, block.alive & ~failed)
    return outcome.verdicts(block.texts, statistics, verdicts == "all")


def _still(block: Block, alive: npt.NDArray[np.bool_]) -> Block:
    """The block with fewer documents to judge; what was found of its texts stays found."""
    after = replace(block, alive=alive)
    for known in ("data", "offsets", "words", "word_counts", "chars", "breaks"):
        if known in block.__dict__:
            after.__dict__[known] = block.__dict__[known]
    return after


def _excused(params: Any, block: Block) -> npt.NDArray[np.bool_] | None:
    """The documents that the set passes over: bool[n]; None for none."""
    if params.unless is None:
        return None
    if params.unless.score == "quality":
        scores = np.asarray(block.documents["quality"].to_numpy(), dtype=np.float64)
    else:
        place = f"clean.rules.{params.name}.unless.score"
        scores = score(block.as_documents(), params.unless.score, place=place)
    high: npt.NDArray[np.bool_] = scores >= params.unless.min
    return high


def names_of(rules: list[Any]) -> list[str]:
    """A name a rule set: its own, and a number where it stands again."""
    names: list[str] = []
    for rule in rules:
        times = sum(name.split("#")[0] == rule.name for name in names)
        names.append(rule.name if not times else f"{rule.name}#{times + 1}")
    return names


def _by_language(params: Any, documents: pa.Table) -> list[tuple[Any, npt.NDArray[np.bool_] | None]]:
    """The settings of each language that has its own, with its documents; then the rest."""
    overrides = getattr(params, "by_language", {})
    if not overrides:
        return [(params, None)]
    labels = np.array(documents["language"].to_pylist(), dtype=object)
    parts, others = [], np.ones(len(labels), dtype=bool)
    for language in overrides:
        mine = labels == language
        parts.append((params.for_language(language), mine))
        others &= ~mine
    return [*parts, (params, others)]


def _measured_field(name: str, rule: Rule) -> pa.Field:
    """A column of the statistics; its metadata say which values drop."""
    metadata = {} if rule.bound is None else {"drops": rule.drops, "bound": repr(float(rule.bound))}
    return pa.field(name, pa.float64(), metadata=metadata)


class _Outcome:
    """What the rule sets said so far of a block's documents."""

    def __init__(self, n: int):
        self.n = n
        self.reasons: dict[str, int] = {}
        self.rule = np.full(n, -1, dtype=np.int16)
        self.value, self.threshold = np.full(n, np.nan), np.full(n, np.nan)
        self.edits: dict[str, npt.NDArray[np.int64]] = {}
        self.columns: dict[str, Floats] = {}
        self.rules: dict[str, Rule] = {}
        self.failures: list[tuple[str, npt.NDArray[np.bool_]]] = []
        self.bounded: list[tuple[str, float, Floats, npt.NDArray[np.bool_]]] = []

    def judge(self, name: str, measured: Measured, alive: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Note values and failures of a set; which documents it drops: bool[n]."""
        failed = np.zeros(self.n, dtype=bool)
        for number, rule in enumerate(measured.rules):
            code = self.reasons.setdefault(rule.name, len(self.reasons))
            values = measured.values[:, number]
            column = self.columns.setdefault(f"{name}.{rule.name}", np.full(self.n, np.nan))
            column[alive] = values[alive]
            self.rules[f"{name}.{rule.name}"] = rule
            fails = rule.fails(values) & alive
            if rule.bound is not None:
                self.bounded.append((rule.name, rule.bound, values, alive))
            if rule.bound is None or not fails.any():
                continue
            self.failures.append((f"{name}.{rule.name}", fails))
            decides = fails & (self.rule < 0)
            self.rule[decides], self.value[decides], self.threshold[decides] = code, values[decides], rule.bound
            failed |= fails
        return failed

    def edited(self, edits: dict[str, npt.NDArray[np.int64]]) -> None:
        for rule, places in edits.items():
            self.edits[rule] = self.edits[rule] + places if rule in self.edits else places

    def verdicts(self, texts: pa.LargeStringArray, statistics: bool, every: bool) -> Verdicts:
        kept = self.rule < 0
        edits = {rule: (int((places[kept] > 0).sum()), int(places[kept].sum())) for rule, places in self.edits.items()}
        table = None
        if statistics:
            made = [pa.array(column, from_pandas=True) for column in self.columns.values()]
            table = pa.table(made, schema=pa.schema([_measured_field(name, rule) for name, rule in self.rules.items()]))
            if every:
                drops: list[list[str]] = [[] for _ in range(self.n)]
                for name, fails in self.failures:
                    for row in np.flatnonzero(fails).tolist():
                        drops[row].append(name)
                table = table.append_column("drops", pa.array(drops, pa.list_(pa.string())))
        done = {rule: both for rule, both in edits.items() if both[0]}
        reasons = tuple(self.reasons)
        return Verdicts(texts, self.rule, reasons, self.value, self.threshold, done, table, self._borders(kept))

    def _borders(self, kept: npt.NDArray[np.bool_]) -> list[Border]:
        return [
            border
            for name, bound, values, alive in self.bounded
            for border in nearest(name, values, bound, kept & alive)
        ]
