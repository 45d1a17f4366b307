"""Some of a record's modalities as input, others as target, within budgets whose shares are drawn for each record.

Source: 4M-21 (Bachmann et al. 2024), after 4M (Mizrahi et al. 2023): the numbers of input and target tokens of each modality come from
Dirichlet distributions with an α a modality; what is shown is not asked for. Words stand for tokens: of each modality a run of words from a
drawn place is shown, and what follows it, cyclically, is asked for.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from curation import seeds
from curation.arrays.document_ids import id_words
from curation.methods.formatters.item_lists import items_of, written
from curation.methods.formatters.segments import Formatted
from schemas.formatters import Budgets


def budgets(documents: pa.Table, params: Budgets, *, seed: int, phase: str) -> Formatted:
    """``content`` without loss (each modality that is shown, under its name), then ``answer`` with loss (each that is asked for).

    Refused: lists of different lengths, a modality without an α, and a record that has no words.
    """
    items = items_of(documents, [params.texts, params.modalities])
    frame = items.frame.select(
        "row", "item", name=pl.col(params.modalities), words=pl.col(params.texts).str.extract_all(r"\S+")
    )
    strange = frame.filter(~pl.col("name").is_in(list(params.alpha)))["row"].unique().to_list()
    refused = {**dict.fromkeys(strange, "an item's modality has no alpha in the recipe"), **items.refused}
    keys = seeds.keys(seed, phase, "budgets", ids=id_words(documents["id"]))
    pieces: list[tuple[int, str, str, bool]] = []
    kept = frame.filter(~pl.col("row").is_in(list(refused)) & (pl.col("words").list.len() > 0))
    for (row,), part in kept.group_by("row", maintain_order=True):
        number = int(row)
        names, words = part["name"].to_list(), part["words"].to_list()
        draw = seeds.rng(seed, phase, "budgets", int(keys[number]))
        shown, asked = _amounts(draw, [params.alpha[name] for name in names], [len(one) for one in words], params)
        lines: list[tuple[str, str, bool]] = []
        for name, all_, first, second in zip(names, words, shown, asked, strict=True):
            at = int(draw.integers(len(all_)))
            turned = all_[at:] + all_[:at]
            if first:
                lines.append((f"{name}: {' '.join(turned[:first])}\n", "content", False))
            if second:
                lines.append((f"{name}: {' '.join(turned[first : first + second])}\n", "answer", True))
        lines.sort(key=lambda line: line[2])  # what is shown comes first; the sort keeps the order of the items
        pieces += [(number, text, kind, loss) for text, kind, loss in lines]
    schema = {"row": pl.Int64, "text": pl.String, "kind": pl.String, "loss": pl.Boolean}
    return written(documents, pl.DataFrame(pieces, schema=schema, orient="row"), refused)


def _amounts(
    draw: np.random.Generator, alpha: list[float], lengths: list[int], params: Budgets
) -> tuple[list[int], list[int]]:
    """Words that are shown and asked for of each item. Something is asked for wherever a word is left."""
    have = np.array(lengths)
    shown = np.minimum(np.floor(draw.dirichlet(alpha) * params.input_words).astype(int), have)
    if (shown == have).all():
        shown[int(np.argmax(have))] -= 1
    left = have - shown
    asked = np.minimum(np.floor(draw.dirichlet(alpha) * params.target_words).astype(int), left)
    if not asked.any():
        asked[int(np.argmax(left))] = min(params.target_words, int(left.max()))
    return shown.tolist(), asked.tolist()
