"""What becomes of a document that holds an item: dropped whole (ngram), or rewritten without it (mask, GPT-3's cuts)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curation.decontamination.items import TOKEN, Items, coverages, matches, numbers_of, tokens
from schemas.decontamination import Decontaminate

MASK = "|||BENCHMARK_ITEM|||"


@dataclass(frozen=True)
class Said:
    """A document that is hit: the items with their shares, the worst first; the ledger's rule, value and threshold if it
    is dropped; its text without what it shares, None where too little is left; places cut or masked."""

    items: list[tuple[int, float]]
    rule: str
    value: float
    threshold: float
    rewritten: str | None
    places: int


def by_coverage(text: str, items: Items, params: Decontaminate, ignored: npt.NDArray[np.uint64]) -> Said | None:
    words = tokens(text)
    numbers = numbers_of(words, items)
    shares = coverages(numbers, items)
    over = {item: share for item, share in shares.items() if share > params.max_coverage and item not in ignored}
    if not over:
        return None
    ranked = sorted(over.items(), key=lambda pair: (-pair[1], pair[0]))
    spans: list[tuple[int, int]] = []
    if params.does == "mask":
        where = [match.span() for match in TOKEN.finditer(text)]
        if len(where) == len(words):  # lower case changed no word's borders
            for n, begin, first, last in matches(numbers, items):
                item_of = items.grams[n][1]
                for at, a, b in zip(begin.tolist(), first.tolist(), last.tolist(), strict=True):
                    if any(int(item_of[k]) in over for k in range(a, b)):
                        spans.append((where[at][0], where[at + n - 1][1]))
    merged = _merged(spans)
    rewritten = _masked(text, merged) if merged else None
    return Said(ranked, "ngram", ranked[0][1], params.max_coverage, rewritten, len(merged))


def by_collisions(text: str, items: Items, params: Decontaminate, ignored: npt.NDArray[np.uint64]) -> Said | None:
    numbers = numbers_of(tokens(text), items)
    found: list[tuple[int, int]] = []
    hit: dict[int, int] = {}
    for n, begin, first, last in matches(numbers, items):
        hashes, item_of, _ = items.grams[n]
        counts = ~np.isin(hashes[first], ignored)
        for at, a, b in zip(begin[counts].tolist(), first[counts].tolist(), last[counts].tolist(), strict=True):
            found.append((at, at + n))
            for item in dict.fromkeys(item_of[a:b].tolist()):
                hit[item] = hit.get(item, 0) + 1
    if not found:
        return None
    ranked = sorted(hit.items(), key=lambda pair: (-pair[1], pair[0]))
    shares = [(item, min(count / max(int(items.sizes[item]) - 12, 1), 1.0)) for item, count in ranked]
    if params.does != "mask":
        return Said(shares, "gpt3", float(len(found)), 0.0, None, 0)
    where = [match.span() for match in TOKEN.finditer(text)]
    cuts = _merged(
        [(where[a][0] - params.margin, where[b - 1][1] + params.margin) for a, b in found if b <= len(where)]
    )
    pieces, at = [], 0
    for start, end in [*cuts, (len(text), len(text))]:
        pieces.append(text[at : max(start, 0)].strip())
        at = max(end, 0)
    left = [piece for piece in pieces if piece and len(piece) >= params.min_piece]
    if not left:
        return Said(shares, "gpt3_nothing_left", float(len(found)), 0.0, None, len(cuts))
    if len(left) > params.max_pieces:
        return Said(shares, "gpt3_too_many_pieces", float(len(left)), float(params.max_pieces), None, len(cuts))
    return Said(shares, "gpt3", float(len(found)), 0.0, "\n\n".join(left), len(cuts))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap or touch as one, sorted."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])


def part_of(item: int, text: str, prompt: str, compare: str, judge: Callable[[str], Said | None]) -> str:
    """Where in an instruction an item was found: its prompt or its text by itself, else both together."""
    if compare != "both":
        return compare
    for place, part in (("prompt", prompt), ("text", text[len(prompt) + 1 :])):
        said = judge(part)
        if said is not None and item in dict(said.items):
            return place
    return "prompt and text"
