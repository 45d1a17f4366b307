"""The documents of a shard as they are gathered from the partitions, chunk by chunk, and counts of what was written of them.

Chunk by chunk that chunk's batches are collected from all partitions, sorted by position, formatted and counted: memory follows the
chunk, never the shard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from pydantic import TypeAdapter

from curation import storage, turns
from curation.arrays.arrow_text import as_text
from curation.arrays.columns import whole
from curation.methods import formatters
from curation.methods.formatters.segments import Formatted, only
from curation.methods.loss_weights import loss_weights
from curation.mixture.pool import labels_in
from curation.mixture.spans import ShardSpan
from curation.releases.work import Work
from curation.training.token_columns import beside
from curation.training.tokens import Known, Tokens, count_tokens
from schemas.errors import RunError
from schemas.plan import Plan, PlannedPhase
from schemas.recipe import KIND_COLUMNS

OWN_IDS = "token-ids"
"""Column of the gathered documents: the token ids of their texts, where these are kept."""
PLAN, SHARDS = TypeAdapter(Plan), TypeAdapter(tuple[ShardSpan, ...])


@lru_cache(maxsize=2)
def plan_of(folder: str) -> tuple[Plan, tuple[ShardSpan, ...]]:
    """Plan and shards, read once a process: the folder's name follows from what decides them."""
    plan = PLAN.validate_json(storage.read_bytes(storage.join(folder, "plan.json")))
    return plan, SHARDS.validate_json(storage.read_bytes(storage.join(folder, "shards.json")))


@lru_cache(maxsize=1 << 12)
def _index(target: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads(storage.read_bytes(target + ".json"))
    return found


class Gathered:
    """The documents of one shard, chunk by chunk, in order and as they are written."""

    def __init__(self, work: Work, number: int):
        plan, spans = plan_of(work.folder)
        self.work, self.span = work, spans[number]
        self.phase: PlannedPhase = plan.phases[self.span.phase]

    def chunks(self) -> Iterator[tuple[pa.Table, Formatted, Tokens]]:
        """Documents, texts with segments, tokens; of preferences both conversations. Raises RunError if a row is missing."""
        work, recipe = self.work, self.work.recipe
        places = zip(self.span.chunks, [*self.span.chunks[1:], self.span.last], strict=True)
        for number, (first, last) in enumerate(places):
            parts = []
            for partition in work.numbers:
                target = work.path("gathered", partition, "arrow")
                wanted = _index(target).get(f"{self.span.number}.{number}", [])
                if wanted:
                    with storage.open_read(target) as stream:
                        reader = pa.ipc.open_file(stream)
                        parts.append(pa.Table.from_batches([reader.get_batch(i) for i in wanted]))
            if not parts:
                raise RunError("write", f"shard {self.span.number}: no rows were found in the gathered partitions")
            table = pa.concat_tables(parts, promote_options="permissive").sort_by("position").combine_chunks()
            del parts
            if not np.array_equal(table["position"].to_numpy(), np.arange(first, last)):
                raise RunError(
                    "write", f"shard {self.span.number}: positions {first} to {last - 1} are not all there, once"
                )
            known = None
            if OWN_IDS in table.column_names:
                known = Known(as_text(table["text"]), whole(table[OWN_IDS]))
                table = table.drop_columns([OWN_IDS])
            documents = table.rename_columns([n.removeprefix("tag:") for n in table.column_names])
            chosen = turns.conversation(documents).combine_chunks()
            formatted = formatters.render(chosen, self.phase.conditioning, seed=recipe.seed, phase=self.phase.name)
            weights = loss_weights(documents, formatted, recipe.shards.loss_weights)
            counted = count_tokens(formatted.texts, formatted.segments, recipe.shards.tokenizer, weights, known)
            counted = beside(documents, formatted.segments, counted, recipe.shards.token_types())
            yield documents, replace(formatted, weights=weights), counted

    def of_kind(self, documents: pa.Table, chosen: Formatted) -> dict[str, pa.Array]:
        """The columns that the kinds of the recipe's sources have besides; null for records of another kind."""
        kinds = {source.kind for source in self.work.recipe.sources}
        made: dict[str, pa.Array] = {}
        if "preference" in kinds:
            paired = turns.are_pairs(documents)
            documents_of = turns.conversation(documents, "rejected").combine_chunks()
            rejected = formatters.render(
                documents_of, self.phase.conditioning, seed=self.work.recipe.seed, phase=self.phase.name
            )
            both = {"chosen": chosen, "rejected": rejected}
            made |= {name: pc.if_else(pa.array(paired), one.texts, None) for name, one in both.items()}
            made |= {f"{name}_segments": only(one.segments, paired) for name, one in both.items()}
        if "verifiable" in kinds:
            for name in KIND_COLUMNS["verifiable"]:
                there = name in documents.column_names
                made[name] = documents[name] if there else pa.nulls(len(documents), pa.large_string())
        return made


class Counts:
    """Rows, tokens and labels of what was written so far."""

    def __init__(self, by: str | None):
        self.by = by
        self.rows = self.tokens = self.unfit = 0
        self.labels: dict[str, tuple[int, int, int]] = {}

    def add(self, documents: pa.Table, tokens: Tokens) -> None:
        self.rows += len(documents)
        self.tokens += int(tokens.counts.sum())
        self.unfit += 0 if tokens.fits is None else int((~tokens.fits).sum())
        for label, (n, t, trained) in _labels(documents, self.by, tokens).items():
            before = self.labels.get(label, (0, 0, 0))
            self.labels[label] = (before[0] + n, before[1] + t, before[2] + trained)


def _labels(documents: pa.Table, by: str | None, tokens: Tokens) -> dict[str, tuple[int, int, int]]:
    """Documents, tokens and tokens with loss by label."""
    assert tokens.trained is not None
    if by is None:
        return {"(all)": (len(documents), int(tokens.counts.sum()), int(tokens.trained.sum()))}
    labels = labels_in(documents, by).with_none()
    counts, sums, trained = (
        np.bincount(labels.codes, weights=of_row, minlength=len(labels.names))
        for of_row in (None, tokens.counts, tokens.trained)
    )
    said = zip(labels.names, counts, sums, trained, strict=True)
    return {name: (int(n), int(t), int(w)) for name, n, t, w in said if n}
