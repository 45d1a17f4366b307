"""Documents that a stage dropped."""

from __future__ import annotations

import polars as pl

from curation import storage
from curation.promises.release_rows import ReleaseRows, frame_of, id_numbers
from schemas.promises import LeftOut


def left_out(release: ReleaseRows, params: LeftOut) -> list[str]:
    """Where ledger and funnel name another number of documents, or one of them stands in the release."""
    folder = storage.join(release.folder, "dropped", params.stage)
    dropped = []
    for name in storage.list_folder(folder):
        for table in storage.row_groups(storage.join(folder, name), ["id", "rule"]):
            made = frame_of(table)
            dropped.append(id_numbers(made["id"] if params.rule is None else made.filter(rule=params.rule)["id"]))
    ids = pl.concat(dropped) if dropped else pl.Series("id", [], dtype=pl.UInt64)
    what = params.stage if params.rule is None else f"{params.stage}/{params.rule}"
    faults = []
    rules: dict[str, int] = next(
        (stage["dropped"] for stage in release.manifest["funnel"] if stage["stage"] == params.stage), {}
    )
    said = sum(n for rule, n in rules.items() if params.rule in (None, rule))
    if said != len(ids):
        faults.append(f"the funnel says that {what} dropped {said:,} documents, the ledger {len(ids):,}")
    if params.documents is not None and len(ids) != params.documents:
        faults.append(f"{what} dropped {len(ids):,} documents, not {params.documents:,}")
    if params.documents is None and not len(ids):
        faults.append(f"{what} dropped no document")
    for phase in release.phases(params.phases):
        there = release.rows(phase, ["id"])["id"]
        both = int(there.is_in(ids.implode()).sum())
        if both:
            faults.append(f"phase {phase} holds {both:,} documents that {what} dropped")
    return faults
