"""*classifier* with ``keep_share``: the share of best-scored documents over all partitions; the rest is dropped."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curation import storage
from curation.selectors.candidates import by_id, share_of
from curation.stages.deduplicate import DECIDED, ids_of
from curation.stages.prepare import Prepared


def drop_low(parts: list[Prepared], share: float) -> pa.Table:
    """What is under the share's lowest score: the DECIDED table. Ties are broken by id."""
    scores = [np.zeros(0, dtype=np.float32)]
    for part in parts:
        with storage.open_parquet(part.documents_path) as file:
            scores.append(file.read(columns=["quality"])[0].to_numpy())
    quality = np.concatenate(scores)
    best = by_id(ids_of(parts), -quality)
    n = share_of(share, len(quality))
    gone = np.sort(best[n:])
    bound = float(quality[best[n - 1]]) if n else float("inf")
    starts = np.cumsum([0, *(part.kept for part in parts)])
    partition = np.searchsorted(starts, gone, side="right") - 1
    return pa.table(
        {
            "partition": pa.array(partition, pa.int32()),
            "index": pa.array(gone - starts[partition], pa.int64()),
            "stage": pa.array(["classifier"] * len(gone), pa.string()),
            "rule": pa.array(["keep_share"] * len(gone), pa.string()),
            "value": pa.array(quality[gone].astype(np.float64), pa.float64()),
            "threshold": pa.array([bound] * len(gone), pa.float64()),
            "kept_id": pa.nulls(len(gone), pa.string()),
        },
        schema=DECIDED,
    )
