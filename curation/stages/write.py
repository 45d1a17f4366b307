"""*write*: one shard of documents, to its final name, in training order, with bounded memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from curation import storage
from curation.arrays.columns import with_nulls
from curation.releases.gathered import Counts, Gathered
from curation.releases.shard_file import ShardFile
from curation.releases.work import Done, Work
from schemas.tables import SHARD
from schemas.work import WrittenShard


def run_write(work: Work, number: int) -> Done:
    """Gather, format and write one shard to its final name. Raises RunError if a row is missing."""
    gathered = Gathered(work, number)
    recipe, span, phase = work.recipe, gathered.span, gathered.phase
    counts = Counts(phase.by)
    name = span.path
    path = storage.join(work.release, name)
    with ShardFile(path, recipe.shards) as shard:
        for documents, formatted, counted in gathered.chunks():
            columns: dict[str, Any] = {
                "position": pc.subtract(documents["position"], span.shift),
                "phase": pa.array([phase.name] * len(documents), pa.string()),
                "epoch": documents["epoch"],
                "id": documents["id"],
                "source": documents["source"],
                "text": formatted.texts,
                "segments": formatted.segments,
                "tokens": pa.array(counted.counts, pa.int32()),
                "url": documents["url"],
                "language": documents["language"],
                "quality": documents["quality"],
            }
            result = pa.table(columns, schema=SHARD)
            for tag in recipe.tag_names():
                result = result.append_column(tag, documents[tag])
            if recipe.shards.copies:
                result = result.append_column("copies", documents["copies"])
            for column, values in gathered.of_kind(documents, formatted).items():
                result = result.append_column(column, values)
            if recipe.shards.loss_weights is not None:
                lists = formatted.segments
                weights = pa.ListArray.from_arrays(lists.offsets, pa.array(formatted.weights))
                result = result.append_column("loss_weight", weights)
            if counted.input_ids is not None:
                result = result.append_column("input_ids", counted.input_ids)
                result = result.append_column("loss_mask", counted.loss_mask)
            fits = np.ones(len(documents), dtype=bool) if counted.fits is None else counted.fits
            for column, values in counted.columns.items():
                result = result.append_column(column, with_nulls(values, fits))
            shard.write(result)
            counts.add(documents, counted)
    written = WrittenShard(
        path=name,
        rows=counts.rows,
        tokens=counts.tokens,
        bytes=shard.bytes,
        sha256=shard.digest.hexdigest(),
        phase=phase.name,
        labels=counts.labels,
        documents=counts.rows,
        first_position=span.first - span.shift,
        unfit=counts.unfit,
    )
    return Done(asdict(written), [path])
