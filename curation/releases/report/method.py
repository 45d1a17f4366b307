"""How the recipe works: what each of its parts does, and how each phase's first row is written."""

from __future__ import annotations

import html
from typing import Any

from pydantic import ValidationError

from curation import storage
from curation.recipes.methods import name_of, settings_of, used
from curation.releases.report.page import table
from schemas.filters import Bounds, Filter
from schemas.phases import Phase
from schemas.recipe import Recipe
from schemas.section import Section

PHASES = 12
"""Phases that are shown."""
CHARS = 400
"""Characters of a row that are shown."""


def method(manifest: dict[str, Any], folder: str) -> str:
    """A row a part of the recipe; the phases as wide as their tokens; of each its first row, what has no loss struck grey.

    Nothing for the recipe of another version that this one cannot read."""
    try:
        recipe = Recipe.model_validate(manifest["recipe"])
    except ValidationError:
        return ""
    parts = [[one.place, f"{one.idea} {one.name}", one.summary, one.settings] for one in used(recipe)]
    told = table(["where", "part", "what it does", "settings"], parts)
    return told + _strip(manifest) + _phases(recipe) + "".join(_first_rows(manifest, folder))


def _strip(manifest: dict[str, Any]) -> str:
    """The phases in training order, side by side."""
    sizes = [(one["name"], sum(group["tokens"] for group in one["realised"].values())) for one in manifest["phases"]]
    total = sum(size for _, size in sizes) or 1
    if not 1 < len(sizes) <= PHASES:
        return ""
    boxes = "".join(
        f'<div style="flex:{max(size / total, 0.02):.4f}"><b>{html.escape(name)}</b>{size / total:.1%} of the tokens</div>'
        for name, size in sizes
    )
    return f'<div class="strip">{boxes}</div>'


def _phases(recipe: Recipe) -> str:
    """What each plain phase draws, and in which order; a schedule's phases are told by what it does."""
    rows = [
        [
            phase.name,
            "; ".join([*(filtered(*one) for one in phase.pool.where.items()), *map(_selected, phase.pool.select)])
            or "every document",
            phase.order if isinstance(phase.order, str) else name_of(type(phase.order)),
        ]
        for phase in recipe.phases
        if isinstance(phase, Phase)
    ]
    return table(["phase", "draws from", "order"], rows[:PHASES])


def _selected(selector: Section) -> str:
    return f"{name_of(type(selector))}: {settings_of(selector)}"


def filtered(name: str, wanted: Filter) -> str:
    """A filter in words.

    >>> filtered("quality", Bounds(min=0.5)), filtered("source", ["web", "books"]), filtered("topic", None)
    ('quality at least 0.5', 'source web or books', 'topic missing')
    """
    if isinstance(wanted, Bounds):
        bounds = [("at least", wanted.min), ("at most", wanted.max)]
        return f"{name} " + ", ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)
    values = wanted if isinstance(wanted, list) else [wanted]
    return f"{name} " + " or ".join("missing" if value is None else str(value) for value in values)


def _first_rows(manifest: dict[str, Any], folder: str) -> list[str]:
    if manifest["recipe"]["shards"].get("sequence_length") is not None:
        return []
    first: dict[str, str] = {}
    for shard in manifest["shards"]:
        first.setdefault(shard["phase"], shard["path"])
    made = []
    for phase, path in list(first.items())[:PHASES]:
        with storage.open_parquet(storage.join(folder, path)) as file:
            table_ = next(file.iter_batches(batch_size=1, columns=["text", "segments"]), None)
        if table_ is None:
            continue
        text, segments = table_["text"][0].as_py(), table_["segments"][0].as_py()
        made.append(f"<h3>{html.escape(phase)}: its first row</h3>{_written(text, segments)}")
    return made


def _written(text: str, segments: list[dict[str, Any]]) -> str:
    """A text with its segments told apart; hostile: every piece is escaped."""
    pieces = []
    for one in segments:
        piece = text[one["start"] : min(one["end"], CHARS)]
        if not piece:
            continue
        loss = "with loss" if one["loss"] else "without loss"
        kind = "trained" if one["loss"] else "given"
        pieces.append(f'<span class="{kind}" title="{html.escape(one["kind"])}, {loss}">{html.escape(piece)}</span>')
    more = "…" if len(text) > CHARS else ""
    kinds = ", ".join(dict.fromkeys(f"{one['kind']} {'with' if one['loss'] else 'without'} loss" for one in segments))
    return f'<div class="x">{"".join(pieces)}{more}</div><p class="small">{html.escape(kinds)}</p>'
