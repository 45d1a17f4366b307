"""Steps of a score with equal tokens each inside each group, over the whole pool: exact, documents of one score told apart by id.

Source: Dolma 3 (Olmo 3 report, 2025): 20 quality steps of a topic. A document belongs to the step that the middle of its tokens
falls in. Tokens are UTF-8 bytes / 4 here, whatever the shards' tokenizer.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.document_ids import id_words
from curation.methods.groupers.score_buckets import level_names
from curation.methods.scorers.named import named_numbers
from schemas.errors import RecipeError
from schemas.groupers import QuantileSteps

EDGES = pa.schema([("group", pa.string()), ("step", pa.int32()), ("score", pa.float64()), ("key", pa.uint64())])


def partial(documents: pa.Table, params: QuantileSteps, *, seed: int) -> pa.Table:
    """Group, score, key and tokens of the documents of a batch that have a score and a group."""
    scores, groups = named_numbers(documents, params.by), _groups(documents, params)
    made = pa.table(
        {
            "group": groups,
            "score": pa.array(scores, mask=np.isnan(scores)),
            "key": _keys(documents),
            "tokens": named_numbers(documents, "tokens").astype(np.int64),
        }
    )
    return made.drop_null()


def merge(partials: list[pa.Table], params: QuantileSteps) -> pa.Table:
    """All of them, by group, score and key."""
    whole = pa.concat_tables(partials)
    return whole.sort_by([("group", "ascending"), ("score", "ascending"), ("key", "ascending")])


def fit(partials: pa.Table, params: QuantileSteps, *, seed: int, place: str) -> pa.Table:
    """Where each step of each group begins: the EDGES table. Raises RecipeError for a step that no document falls in."""
    if not len(partials):
        raise RecipeError(f"{place}.by", f"no document has a number {params.by!r}")
    groups = partials["group"].combine_chunks().dictionary_encode()
    codes = groups.indices.to_numpy()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]])
    tokens = partials["tokens"].to_numpy()
    begins: list[npt.NDArray[np.int64]] = []
    for start, stop in itertools.pairwise(starts):
        sums = np.cumsum(tokens[start:stop])
        middle = sums - tokens[start:stop] / 2
        steps = np.minimum((middle * params.steps / max(1, sums[-1])).astype(np.int64), params.steps - 1)
        first = np.searchsorted(steps, np.arange(params.steps))
        if len(np.unique(steps)) < params.steps:
            of = "" if params.within is None else f" of {params.within} {groups.dictionary[codes[start]].as_py()!r}"
            raise RecipeError(
                f"{place}.steps",
                f"{stop - start:,} document{'' if stop - start == 1 else 's'}{of} cannot fill {params.steps} steps of equal tokens; make fewer steps, or filter "
                "small groups out before",
            )
        begins.append(start + first)
    rows = np.concatenate(begins)
    step = np.tile(np.arange(params.steps, dtype=np.int32), len(begins))
    taken = partials.select(["group", "score", "key"]).take(pa.array(rows))
    return taken.add_column(1, EDGES.field("step"), pa.array(step)).cast(EDGES)


def quantile_steps(documents: pa.Table, params: QuantileSteps, state: pa.Table) -> pa.Array:
    """Steps ``1`` (lowest) to ``N``, padded so that they sort: string[n], null without a score or a group."""
    scores, keys = named_numbers(documents, params.by), _keys(documents).to_numpy()
    groups = _groups(documents, params).dictionary_encode()
    codes = groups.indices.fill_null(-1).to_numpy()
    steps = np.full(len(documents), -1, dtype=np.int64)
    of_group = state["group"].to_numpy(zero_copy_only=False)
    edges, edge_keys = state["score"].to_numpy(), state["key"].to_numpy()
    for code, name in enumerate(groups.dictionary.to_pylist()):
        rows = np.flatnonzero((codes == code) & ~np.isnan(scores))
        mine = of_group == name
        if not len(rows) or not mine.any():
            continue
        # Of both, sorted together, an edge stands before the document that it is: documents after k edges are of step k - 1.
        merged = np.lexsort(
            (
                np.concatenate([np.zeros(mine.sum()), np.ones(len(rows))]),
                np.concatenate([edge_keys[mine], keys[rows]]),
                np.concatenate([edges[mine], scores[rows]]),
            )
        )
        passed = np.cumsum(merged < mine.sum())
        at = np.empty(len(merged), dtype=np.int64)
        at[merged] = passed
        steps[rows] = np.maximum(at[mine.sum() :] - 1, 0)
    return level_names(params.steps).take(pa.array(steps, mask=steps < 0))


def _groups(documents: pa.Table, params: QuantileSteps) -> pa.Array:
    if params.within is None:
        return pa.array([""] * len(documents), pa.string())
    if params.within not in documents.column_names:
        raise RecipeError("tags", f"no tag or built-in name {params.within!r} is declared before it is used")
    column = documents[params.within]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_list(column.type) or pa.types.is_floating(column.type):
        raise RecipeError(
            "tags", f"{params.within!r} gives no one label a document; steps are within groups of one label"
        )
    return column.cast(pa.string())


def _keys(documents: pa.Table) -> pa.Array:
    """The first half of each id, which tells documents of one score apart: uint64[n]."""
    return pa.array(
        id_words(documents["id"])[:, 0].byteswap()
    )  # little-endian words: swapped they sort as the digits do
