"""The kinds of segments that rows are made of, and which of them have loss."""

from __future__ import annotations

from collections import Counter

import polars as pl

from curation.promises.release_rows import ReleaseRows, share_of
from schemas.promises import Segments


def segments(release: ReleaseRows, params: Segments) -> list[str]:
    """The rows that are made of something else: counted by what is wrong, the first position named."""
    faults = []
    order = list(params.kinds)
    for phase in release.phases(params.phases):
        wrong: dict[str, tuple[int, int]] = {}
        have: Counter[str] = Counter()
        total = 0
        for chunk in release.chunks(phase, ["position", params.column]):
            total += len(chunk)
            # Rows are made alike: each different sequence of (kind, loss) is judged once.
            shape = pl.col(params.column).list.eval(
                pl.element().struct.field("kind")
                + pl.when(pl.element().struct.field("loss")).then(pl.lit("+")).otherwise(pl.lit("-"))
            )
            shapes = chunk.select("position", shape.list.join("\n").alias("shape"))
            for text, first, rows in (
                shapes.group_by("shape")
                .agg(pl.col("position").min(), pl.len().alias("rows"))
                .sort("position")
                .iter_rows()
            ):
                parts = [(part[:-1], part.endswith("+")) for part in (text or "").split("\n") if part]
                have.update(dict.fromkeys({kind for kind, _ in parts}, rows))
                fault = _fault(parts, params, order)
                if fault is not None:
                    seen, at = wrong.get(fault, (0, first))
                    wrong[fault] = (seen + rows, min(at, first))
        faults += [f"phase {phase}: {fault}, in {rows:,} rows (position {at})" for fault, (rows, at) in wrong.items()]
        for kind, wanted in params.share.items():
            found = share_of(have[kind], total)
            if abs(found - wanted) > params.within:
                faults.append(f"phase {phase}: {kind} stands in a share of {found:.4f} of the rows, not {wanted:g}")
    return faults


def _fault(parts: list[tuple[str, bool]], params: Segments, order: list[str]) -> str | None:
    kinds = list(dict.fromkeys(kind for kind, _ in parts))
    strange = [kind for kind in kinds if kind not in params.kinds]
    if strange:
        return f"there are segments of kind {strange[0]!r}"
    lacking = [kind for kind in order if kind not in kinds and kind not in params.optional]
    if lacking:
        return f"no segment of kind {lacking[0]!r}"
    if not params.any_order and sorted(kinds, key=order.index) != kinds:
        return f"kinds come in the order {', '.join(kinds)}"
    for kind in kinds:
        losses = {loss for other, loss in parts if other == kind}
        wanted = params.kinds[kind]
        if (True not in losses) if wanted == "some" else losses != {wanted}:
            return f"{kind} has {'loss' if True in losses else 'no loss'}"
    return None
