"""The pool's rows of one partition: where each document stands, its size in bytes and tokens, its tags and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage, turns
from curation.decontamination.items import items_of
from curation.decontamination.judged import by_collisions, by_coverage
from curation.methods import formatters
from curation.methods.formatters.segments import Formatted
from curation.methods.formatters.values import OWN_NAME
from curation.methods.tags import States, describe, pool_wide_tags
from curation.mixture.pool import written_key
from curation.releases import token_ids
from curation.releases.copies import copies_of
from curation.releases.work import Done, Work
from curation.training.tokens import Known, token_counts
from schemas.recipe import Recipe
from schemas.sources import Source
from schemas.work import Prepared

NAMED = ("url", "language", "date", "quality")


def run(work: Work, number: int) -> Done:
    """The pool's rows of one partition, and the tags of all its rows."""
    target, tags = work.path("pool", number), work.path("tags", number)
    written, edits = describe_partition(
        work.part(number),
        recipe=work.recipe,
        source=work.source(number),
        number=number,
        kept=work.left(number, before="schedule"),
        target=target,
        tags_target=tags,
        states=states_of(work),
        holds_item=_holds_item(work),
        copies=copies_of(work, number),
        ids=token_ids.path_of(work, number),
    )
    return Done({"edits": edits}, written)


def _holds_item(work: Work) -> Callable[[str], bool] | None:
    """Whether a label holds a benchmark item that takes a document away; None where none does."""
    params = work.recipe.decontaminate
    if params is None or params.does == "report":
        return None
    ignored = storage.read_arrow(work.path("frequent", 0, "arrow"))["key"].to_numpy()
    items = items_of(params, work.benchmarks)
    judge = by_coverage if params.method == "ngram" else by_collisions
    return lambda text: judge(text, items, params, ignored) is not None


def run_partial(work: Work, number: int, tag: str) -> Done:
    """What fitting a tag needs of one partition."""
    kept = work.left(number, before="schedule")
    found = partial_of_partition(
        work.part(number),
        recipe=work.recipe,
        source=work.source(number),
        kept=kept,
        tag=tag,
        states=states_of(work, before=tag),
        copies=copies_of(work, number),
    )
    if found is None:
        return Done({})
    target = work.path(f"partial-{tag}", number, "arrow")
    storage.put_arrow(target, found)
    return Done({}, [target])


def run_fit(work: Work, _: int, tag: str) -> Done:
    """Fit a tag to what all partitions gave."""
    steps, params = pool_wide_tags(work.recipe.tags)[tag], work.recipe.tags[tag]
    paths = [work.path(f"partial-{tag}", number, "arrow") for number in work.numbers]
    merged = steps.merge([storage.read_arrow(path) for path in paths if storage.exists(path)], params)
    target = work.path(f"fitted-{tag}", 0, "arrow")
    storage.put_arrow(target, steps.fit(merged, params, seed=work.recipe.seed, place=f"tags.{tag}"))
    return Done({}, [target])


def states_of(work: Work, *, before: str | None = None) -> dict[str, pa.Table]:
    """What the pool-wide tags (those before one) were fitted to."""
    tags = list(pool_wide_tags(work.recipe.tags))
    wanted = tags if before is None else tags[: tags.index(before)]
    return {tag: storage.read_arrow(work.path(f"fitted-{tag}", 0, "arrow")) for tag in wanted}


def describe_partition(
    prepared: Prepared,
    *,
    recipe: Recipe,
    source: Source,
    number: int,
    kept: npt.NDArray[np.int64],
    target: str,
    tags_target: str,
    states: States,
    holds_item: Callable[[str], bool] | None = None,
    copies: npt.NDArray[np.int64] | None = None,
    ids: str | None = None,
) -> tuple[list[str], list[tuple[str, str, int, int]]]:
    """Write the POOL table of a partition's kept documents, and to ``tags_target`` all rows' tags, row-aligned.

    kept: sorted rows of the documents table that are left; none, and there is no POOL table. copies: how many documents each row
    stands for, by default itself. ids: where the texts' token ids are kept (``token_ids``). What a formatter refuses to write is in
    no pool. Returns what was written, and the kept documents' edits of tags: (stage, rule, documents, places).
    """
    edits: Counter[tuple[str, str, str]] = Counter()
    names = recipe.tag_names()
    pools: list[pa.Table] = []
    tags: list[pa.Table] = []
    with ExitStack() as open_:
        file = open_.enter_context(storage.open_parquet(prepared.documents_path))
        known_of = None
        if ids is not None and recipe.shards.tokenizer is not None:
            known_of = open_.enter_context(token_ids.groups(ids, recipe.shards.tokenizer))
        start = 0
        for group in range(file.num_row_groups):
            documents = file.read_row_group(group)
            n = len(documents)
            documents = _with_source(documents, source, copies, np.arange(start, start + n))
            made, edited = describe(documents, recipe.tags, source.tags, names, states, recipe.clean, holds_item)
            tags.append(made)
            mine = kept[(kept >= start) & (kept < start + n)]
            for tag, by_rule in edited.items():
                for (stage, rule), found in by_rule.items():
                    edits[stage, f"{rule}:{tag}", "documents"] += int((found[mine - start] > 0).sum())
                    edits[stage, f"{rule}:{tag}", "places"] += int(found[mine - start].sum())
            known = None if known_of is None else known_of.known(group, documents["text"])
            if len(mine):
                pools.append(_pool_rows(documents, made, mine - start, mine, number, recipe, known))
            start += n
    said = [
        (stage, rule, edits[stage, rule, "documents"], edits[stage, rule, "places"])
        for stage, rule, unit in edits
        if unit == "places"
    ]
    if not tags:
        return [], []
    storage.put_table(tags_target, pa.concat_tables(tags) if names else pa.table({"_": pa.nulls(start, pa.bool_())}))
    if not any(map(len, pools)):
        return [tags_target], said
    storage.put_table(target, pa.concat_tables(pools))
    return [target, tags_target], said


def _pool_rows(
    documents: pa.Table,
    tags: pa.Table,
    rows: npt.NDArray[np.int64],
    index: npt.NDArray[np.int64],
    number: int,
    recipe: Recipe,
    known: Known | None,
) -> pa.Table:
    """The POOL rows of some of a batch's documents, each counted as plain text and as every conditioning writes it, but for those that
    one of them refuses to write.

    index: their rows in the partition; known: the batch's token ids. A formatter that draws by the phase draws once here, for a
    phase without a name.
    """
    names = tags.column_names
    documents = documents.rename_columns({"name": OWN_NAME})
    for name in names:
        documents = documents.append_column(name, tags[name])
    kept = turns.conversation(documents.take(pa.array(rows)).combine_chunks()).combine_chunks()
    columns = {
        "partition": pa.array(np.full(len(kept), number), pa.int32()),
        "index": pa.array(index, pa.int32()),
        "id": pa.array([bytes.fromhex(x) for x in kept["id"].to_pylist()], pa.binary(16)),
    }
    written = [
        formatters.render(kept, conditioning, seed=recipe.seed, phase="")
        for conditioning in (None, *recipe.conditionings())
    ]
    refused = {row for one in (*written, *_rejected(documents, rows, recipe)) for row in one.refused}
    known = None if known is None else known.take(rows)
    counts = token_counts([(one.texts, one.segments) for one in written], recipe.shards.tokenizer, known)
    for key, one, tokens in zip(
        ["", *(f":{written_key(c)}" for c in recipe.conditionings())], written, counts, strict=True
    ):
        columns[f"bytes{key}"] = pc.cast(pc.binary_length(one.texts), pa.int64())
        columns[f"tokens{key}"] = pa.array(tokens, pa.int32())
    columns |= {name: kept[name] for name in ("source", *NAMED, "copies", *names)}
    made = pa.table(columns)
    return made.filter(pa.array([row not in refused for row in range(len(made))])) if refused else made


def _rejected(documents: pa.Table, rows: npt.NDArray[np.int64], recipe: Recipe) -> list[Formatted]:
    """The rejected conversations of preferences, as a formatter that may refuse one writes them."""
    asked = [one for one in recipe.conditionings() if type(one) in formatters.MAY_REFUSE]
    if not asked or not turns.there(documents):
        return []
    rejected = turns.conversation(documents.take(pa.array(rows)).combine_chunks(), "rejected").combine_chunks()
    return [formatters.render(rejected, one, seed=recipe.seed, phase="") for one in asked]


def partial_of_partition(
    prepared: Prepared,
    *,
    recipe: Recipe,
    source: Source,
    kept: npt.NDArray[np.int64],
    tag: str,
    states: States,
    copies: npt.NDArray[np.int64] | None = None,
) -> pa.Table | None:
    """What fitting a pool-wide tag needs of a partition's kept documents; None if there are none.

    states: of the pool-wide tags before it.
    """
    steps, params = pool_wide_tags(recipe.tags)[tag], recipe.tags[tag]
    before = list(recipe.tags)[: list(recipe.tags).index(tag)]
    partials: list[pa.Table] = []
    for numbers, rows in storage.chosen_rows(prepared.documents_path, kept):
        documents = _with_source(rows, source, copies, numbers)
        made, _ = describe(documents, recipe.tags, source.tags, before, states, recipe.clean)
        for name in before:
            documents = documents.append_column(name, made[name])
        partials.append(steps.partial(documents.combine_chunks(), params, seed=recipe.seed))
    return steps.merge(partials, params) if partials else None


def _with_source(
    documents: pa.Table, source: Source, copies: npt.NDArray[np.int64] | None, rows: npt.NDArray[np.int64]
) -> pa.Table:
    """With what else tags may read: source and copies. rows: of the partition."""
    documents = documents.append_column("source", pa.array([source.name] * len(documents), pa.string()))
    stands_for = np.ones(len(rows), dtype=np.int64) if copies is None else copies[rows]
    return documents.append_column("copies", pa.array(stands_for))
