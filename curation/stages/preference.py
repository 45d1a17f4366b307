"""*preference*: of each document the value by which `dedup.keep` says who stays: a tag, or a built-in name."""

from __future__ import annotations

import pyarrow as pa

from curation import storage
from curation.methods import formatters
from curation.methods.tags import describe, pool_wide_tags
from curation.mixture.pool import first_label
from curation.releases.work import Done, Work
from curation.training.tokens import token_counts
from schemas.recipe import Recipe
from schemas.sources import Source

NAMED = ("url", "language", "date", "quality")
"""Built-in names that are columns of the documents table."""


def run(work: Work, number: int) -> Done:
    """The values of one partition, a row a document of its table."""
    target = work.path("preference", number)
    by, source = work.recipe.dedup.keeps_by, work.source(number)
    assert by is not None
    groups = storage.row_groups(work.prepared(number).documents_path, [by.by] if by.by in NAMED else None)
    tables = [pa.table({"value": values(documents, by.by, work.recipe, source)}) for documents in groups]
    found = pa.concat_tables(tables) if tables else pa.table({"value": pa.nulls(0, pa.float64())})
    storage.put_table(target, found)
    return Done({"documents": len(found)}, [target])


def values(documents: pa.Table, by: str, recipe: Recipe, source: Source) -> pa.Array | pa.ChunkedArray:
    """The value of each document: a number or a text; null for none."""
    if by == "tokens":
        written = formatters.render(
            documents.append_column("source", _constant(source.name, documents)), None, seed=recipe.seed, phase=""
        )
        return pa.array(token_counts([(written.texts, written.segments)], recipe.shards.tokenizer)[0], pa.float64())
    if by == "source":
        return _constant(source.name, documents)
    if by in NAMED:
        return documents[by]
    fitted = pool_wide_tags(recipe.tags)
    order = [name for name in recipe.tag_names() if name not in fitted]
    documents = documents.append_column("source", _constant(source.name, documents))
    made, _ = describe(documents, recipe.tags, source.tags, order[: order.index(by) + 1], {}, recipe.clean)
    return first_label(made[by])


def _constant(name: str, documents: pa.Table) -> pa.Array:
    return pa.array([name] * len(documents), pa.string())
