"""Promises: what a paper says its records look like, held against a release. One file a check; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from curation.promises.batches import batches
from curation.promises.copies_by_step import copies_by_step
from curation.promises.labels import labels
from curation.promises.left_out import left_out
from curation.promises.mixture import mixture
from curation.promises.neighbours import neighbours
from curation.promises.outranks import outranks
from curation.promises.overlap import overlap
from curation.promises.per_label import per_label
from curation.promises.release_rows import Broken, ReleaseRows
from curation.promises.repeats import repeats
from curation.promises.segments import segments
from curation.promises.share import share
from curation.promises.sizes import sizes
from curation.promises.sorted_by import sorted_by
from curation.promises.token_column import token_column
from curation.promises.weights import weights
from curation.promises.windows import windows
from curation.promises.written import written
from schemas import promises as models
from schemas.manifest import Kept

FUNCTIONS: dict[type, Callable[..., list[str]]] = {
    models.Batches: batches,
    models.CopiesByStep: copies_by_step,
    models.Labels: labels,
    models.LeftOut: left_out,
    models.MixtureOfPhase: mixture,
    models.Neighbours: neighbours,
    models.Outranks: outranks,
    models.Overlap: overlap,
    models.PerLabel: per_label,
    models.Repeats: repeats,
    models.Segments: segments,
    models.ShareOfPhase: share,
    models.Sizes: sizes,
    models.SortedBy: sorted_by,
    models.TokenColumn: token_column,
    models.Weights: weights,
    models.Windows: windows,
    models.Written: written,
}
"""(release, params) to what does not hold, in words; nothing where the promise holds."""
MAX_FAULTS = 5
"""So many faults of a promise are told."""


def kept(folder: str, manifest: Mapping[str, Any], promises: Sequence[models.Promise]) -> list[Kept]:
    """Each promise that concerns this release, and whether it holds. folder: of the release; manifest: as plain data."""
    release = ReleaseRows(folder, manifest)
    followed = "report" if manifest.get("losses") else "no_report"
    results = []
    for promise in promises:
        if promise.when not in ("always", followed):
            continue
        try:
            faults = FUNCTIONS[type(promise)](release, promise)
        except Broken as broken:
            faults = [str(broken)]
        results.append(Kept(check=promise.check, says=promise.says, holds=not faults, faults=faults[:MAX_FAULTS]))
    return results


def promises_of(manifest: Mapping[str, Any]) -> list[models.Promise]:
    """The promises of a release's recipe, as its manifest has it."""
    return TypeAdapter(list[models.Promise]).validate_python(manifest["recipe"].get("promise", []))
