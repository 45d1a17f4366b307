"""*classifier* over all partitions: the best-scored share, or GPT-3's sampling; by the scores alone, without the text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import seeds, storage
from curation.dedup.rows import ids_of
from curation.methods.selectors.candidates import by_id, share_of
from curation.releases.work import Done, Work
from schemas.tables import DECIDED
from schemas.work import Prepared


def run(work: Work, _: int) -> Done:
    """What the classifier's share over all partitions, or its sampling, drops."""
    params = work.recipe.clean.classifier
    if params is not None and params.keep_share is not None:
        decided = drop_low(work.parts, params.keep_share)
    elif params is not None and params.pareto is not None:
        decided = drop_by_chance(work.parts, params.pareto, seed=work.recipe.seed)
    else:
        return Done({"dropped": 0})
    return Done({"dropped": len(decided)}, work.decide_all("classifier", decided))


def drop_low(parts: list[Prepared], share: float) -> pa.Table:
    """What is under the share's lowest score: the DECIDED table. Ties are broken by id."""
    quality = _scores(parts)
    best = by_id(ids_of(parts), -quality)
    n = share_of(share, len(quality))
    gone = np.sort(best[n:])
    bound = float(quality[best[n - 1]]) if n else float("inf")
    return _dropped(parts, gone, "keep_share", quality, np.full(len(gone), bound))


def drop_by_chance(parts: list[Prepared], alpha: float, *, seed: int) -> pa.Table:
    """What GPT-3's sampling leaves out (Brown et al. 2020, appendix A): kept if a Pareto draw, from 0, exceeds 1 - score.

    The draw follows from seed and id alone. Value and threshold: the score, and 1 - draw, which it had to exceed.
    """
    quality = _scores(parts).astype(np.float64)
    ids = np.ascontiguousarray(ids_of(parts)).view(np.uint64).reshape(len(quality), -1)
    draw = seeds.uniforms(seeds.keys(seed, "classifier", "pareto", ids=ids)) ** (-1 / alpha) - 1
    gone = np.flatnonzero(draw <= 1 - quality)
    return _dropped(parts, gone, "pareto", quality, 1 - draw[gone])


def _scores(parts: list[Prepared]) -> npt.NDArray[np.float32]:
    scores = [np.zeros(0, dtype=np.float32)]
    for part in parts:
        with storage.open_parquet(part.documents_path) as file:
            scores.append(file.read(columns=["quality"])[0].to_numpy())
    return np.concatenate(scores)


def _dropped(
    parts: list[Prepared],
    gone: npt.NDArray[np.int64],
    rule: str,
    quality: npt.NDArray[np.floating],
    bounds: npt.NDArray[np.float64],
) -> pa.Table:
    starts = np.cumsum([0, *(part.kept for part in parts)])
    partition = np.searchsorted(starts, gone, side="right") - 1
    return pa.table(
        {
            "partition": pa.array(partition, pa.int32()),
            "index": pa.array(gone - starts[partition], pa.int64()),
            "stage": pa.array(["classifier"] * len(gone), pa.string()),
            "rule": pa.array([rule] * len(gone), pa.string()),
            "value": pa.array(quality[gone].astype(np.float64), pa.float64()),
            "threshold": pa.array(bounds, pa.float64()),
            "kept_id": pa.nulls(len(gone), pa.string()),
        },
        schema=DECIDED,
    )
