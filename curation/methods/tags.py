"""The tags of documents: groupers and scorers in the recipe's order, each of which sees those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from curation.cleaning import labels
from curation.methods import groupers, scorers
from curation.methods.pool_wide import PoolWide
from schemas.recipe import Clean

States = Mapping[str, pa.Table]
"""What the pool-wide tags were fitted to, by tag."""


def describe(
    documents: pa.Table,
    tags: Mapping[str, Any],
    constants: Mapping[str, str],
    order: list[str],
    states: States,
    clean: Clean,
    holds_item: Callable[[str], bool] | None = None,
) -> tuple[pa.Table, dict[str, labels.Edits]]:
    """The tags of a batch of documents, in ``order``: strings, lists of strings or float64. Each sees those before it.

    With the edits by tag of those whose labels come from elsewhere than cleaned columns (``labels``).

    documents: the DOCUMENTS table with ``source`` and the asked ``column:`` columns. tags: the recipe's, by name.
    constants: the source's constant tags; where the source has none of that name the value is null. holds_item: of
    ``labels.cleaned``.
    """
    made: dict[str, pa.Array] = {}
    edits: dict[str, labels.Edits] = {}
    for name in order:
        if name in constants:
            made[name] = pa.array([constants[name]] * len(documents), pa.string())
        elif name not in tags:
            made[name] = pa.nulls(len(documents), pa.string())
        elif type(tags[name]) in groupers.FUNCTIONS:
            made[name] = groupers.group(documents, tags[name], state=states.get(name), place=f"tags.{name}")
        else:
            scored = scorers.score(documents, tags[name], state=states.get(name), place=f"tags.{name}")
            made[name] = pa.array(scored, pa.float64(), from_pandas=True)
        if name in constants or labels.from_elsewhere(tags.get(name)):
            made[name], edits[name] = labels.cleaned(made[name], clean, holds_item)
        documents = documents.append_column(name, made[name])
    table = pa.table(made) if made else pa.table({"_": pa.nulls(len(documents))}).drop_columns(["_"])
    return table, edits


def pool_wide_tags(tags: Mapping[str, Any]) -> dict[str, PoolWide]:
    """The tags that need the whole pool before they can be given, in the recipe's order."""
    steps = {**groupers.POOL_WIDE, **scorers.POOL_WIDE}
    return {name: steps[type(tag)] for name, tag in tags.items() if type(tag) in steps}
