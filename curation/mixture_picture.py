"""The mixture over training position, as an SVG picture: what share of the tokens each group has, from first to last."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import storage
from curation.stages.pool import label_texts
from schemas.tables import NO_LABEL

BINS = 240
GROUPS = 9
WIDTH, HEIGHT = 960, 240
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0")
OTHERS = "(others)"


def mixture_over_position(manifest: dict[str, Any], folder: str) -> str:
    """The picture of a release whose shards stand in ``folder``; groups are those of each phase's own mixture."""
    names = [phase["name"] for phase in manifest["phases"]]
    shares, labels, phases = _shares(manifest, folder)
    if not shares.size:
        return "<p>No rows.</p>"
    tops = np.cumsum(shares, axis=1)
    step = WIDTH / len(shares)
    parts = []
    for group, label in enumerate(labels):
        upper = HEIGHT * (1 - tops[:, group])
        height = HEIGHT * shares[:, group]
        bars = "".join(
            f"M{step * i:.2f} {y:.2f}h{step:.2f}v{h:.2f}h{-step:.2f}z"
            for i, (y, h) in enumerate(zip(upper, height, strict=True))
            if h > 0
        )
        colour = COLOURS[-1] if label == OTHERS else COLOURS[group % (len(COLOURS) - 1)]
        parts.append(f'<path fill="{colour}" d="{bars}"><title>{html.escape(label)}</title></path>')
    begins = np.flatnonzero(np.r_[True, phases[1:] != phases[:-1]])
    for at in begins:
        parts.append(
            f'<line x1="{step * at:.2f}" x2="{step * at:.2f}" y1="0" y2="{HEIGHT + 6}" stroke="currentColor"/>'
            f'<text x="{step * at + 3:.2f}" y="{HEIGHT + 16}" font-size="11" fill="currentColor">'
            f"{html.escape(names[phases[at]][:24])}</text>"
        )
    legend = " ".join(
        f'<span style="white-space:nowrap"><span class="bar" style="width:.7rem;background:'
        f'{COLOURS[-1] if label == OTHERS else COLOURS[group % (len(COLOURS) - 1)]}"></span> {html.escape(label)}</span>'
        for group, label in enumerate(labels)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 24}" width="100%" role="img" '
        f'aria-label="Share of tokens by group over training position">{"".join(parts)}</svg><p>{legend}</p>'
    )


def _shares(manifest: dict[str, Any], folder: str) -> tuple[npt.NDArray[np.float64], list[str], npt.NDArray[np.int64]]:
    """Share of tokens float64[bins, groups], the groups' labels, and the phase of each bin int64[bins]."""
    total = sum(shard["rows"] for shard in manifest["shards"])
    bins = min(BINS, total)
    by = {phase["name"]: phase.get("by") for phase in manifest["phases"]}
    place = {phase["name"]: i for i, phase in enumerate(manifest["phases"])}
    amounts: list[dict[str, float]] = [{} for _ in range(bins)]
    phases = np.zeros(bins, dtype=np.int64)
    for shard in manifest["shards"]:
        position = shard["first_position"] + np.arange(shard["rows"])
        where = position * bins // total
        phases[np.unique(where)] = place[shard["phase"]]
        table = _columns(storage.join(folder, shard["path"]), by[shard["phase"]])
        frame = pa.table({"bin": where, "label": table["label"], "tokens": table["tokens"]})
        for row in frame.group_by(["bin", "label"]).aggregate([("tokens", "sum")]).to_pylist():
            label = row["label"] if row["label"] is not None else NO_LABEL
            amounts[row["bin"]][label] = amounts[row["bin"]].get(label, 0.0) + row["tokens_sum"]
    sums: dict[str, float] = {}
    for bin_ in amounts:
        for label, tokens in bin_.items():
            sums[label] = sums.get(label, 0.0) + tokens
    labels = sorted(sums, key=lambda label: (-sums[label], label))[:GROUPS]
    shown = [*labels, OTHERS] if len(sums) > GROUPS else labels
    shares = np.zeros((bins, len(shown)))
    for i, bin_ in enumerate(amounts):
        for label, tokens in bin_.items():
            shares[i, shown.index(label) if label in labels else len(shown) - 1] += tokens
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1), shown, phases


def _columns(path: str, by: str | None) -> pa.Table:
    """Labels (the first of several) and tokens of a shard's rows."""
    with storage.open_read(path) as stream:
        file = pq.ParquetFile(stream)
        names = file.schema_arrow.names
        wanted = [name for name in {by, "tokens"} if name in names]
        table = file.read(columns=wanted)
    n = file.metadata.num_rows
    tokens = table["tokens"] if "tokens" in names else pa.array(np.ones(n, dtype=np.int64))
    if by is None or by not in names:
        return pa.table({"label": pa.array(["(all)"] * n), "tokens": tokens})
    return pa.table({"label": pc.cast(label_texts(table[by]), pa.string()), "tokens": tokens})
