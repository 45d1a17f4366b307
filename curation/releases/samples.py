"""``samples/``: what a reader of the report wants to see of a release: border cases, and duplicates with the words that
differ. A few dozen rows, whatever the size of the release."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import storage
from curation.arrays.arrow_text import excerpts
from curation.arrays.ids import id_pairs
from curation.dedup.differences import differences
from curation.dedup.rows import ids_of
from curation.releases.work import Work
from curation.rules.border import nearest
from curation.rules.just_kept import KEPT
from schemas.tables import BORDERS, DUPLICATES, EXCERPT_CHARS, REPEATED
from schemas.work import Prepared

PAIRS = 6
"""Pairs of either kind: the least alike, and one of each of the largest clusters."""
SPANS_SHOWN = 10
"""Repeated spans of either kind."""
CHARS = 20_000
"""Of a text, what is compared."""

Int = npt.NDArray[np.int64]
Place = tuple[int, int]
"""(partition, row)."""
Pairs = Sequence[tuple[int, int, float]]
"""(row, row, similarity), rows counted over all partitions."""


def write(work: Work, just_kept: Pairs) -> None:
    """Write ``samples/borders.parquet`` and ``samples/duplicates.parquet`` of a release."""
    parts, of_source, folder = storage.each(work.part, work.numbers), work.of_source, work.release
    decided = work.all_decided(before="schedule")
    storage.put_table(storage.join(folder, "samples", "borders.parquet"), borders(parts, of_source, decided))
    storage.put_table(
        storage.join(folder, "samples", "duplicates.parquet"), duplicates(parts, of_source, decided, just_kept)
    )
    if work.recipe.dedup.substrings is not None:
        storage.put_table(storage.join(folder, "samples", "substrings.parquet"), repeated(work))


def borders(parts: Sequence[Prepared], of_source: Sequence[str], decided: pa.Table) -> pa.Table:
    """Of all partitions the documents nearest each bound on the side that stays: the BORDERS table."""
    tables = [BORDERS.empty_table()]
    for part, source in zip(parts, of_source, strict=True):
        with storage.open_parquet(part.borders_path) as file:
            found = file.read()
        found = found.append_column("source", pa.array([source] * len(found), pa.string()))
        tables.append(found.select(BORDERS.names).cast(BORDERS))
    tables.append(_by_quality(parts, of_source, decided))
    rows = pa.concat_tables(tables).to_pylist()
    rows.sort(
        key=lambda row: (row["stage"], row["rule"], abs(row["value"] - row["threshold"]), row["source"], row["id"])
    )
    kept: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows:
        same = kept.setdefault((row["stage"], row["rule"]), [])
        if len(same) < KEPT:
            same.append(row)
    return pa.Table.from_pylist([row for same in kept.values() for row in same], schema=BORDERS)


def _by_quality(parts: Sequence[Prepared], of_source: Sequence[str], decided: pa.Table) -> pa.Table:
    """What the classifier's share over all partitions just kept: one document a partition."""
    mine = decided.filter(pc.equal(decided["stage"], "classifier"))
    bounds = mine["threshold"].unique().to_pylist()
    if len(bounds) != 1 or bounds[0] is None:
        return BORDERS.empty_table()
    rule = mine["rule"][0].as_py()
    rows = []
    for number, (part, source) in enumerate(zip(parts, of_source, strict=True)):
        gone = mine.filter(pc.equal(mine["partition"], number))["index"].to_numpy()
        with storage.open_parquet(part.documents_path) as file:
            quality = file.read(columns=["quality"])[0].to_numpy()
        kept = np.ones(len(quality), dtype=bool)
        kept[gone] = False
        for _, row, value, bound in nearest(rule, quality, bounds[0], kept):
            one = _rows(part, [row], ["id", "url", "text"])[row]
            said = {"stage": "classifier", "rule": rule, "value": value, "threshold": bound, "source": source}
            excerpt = excerpts(pa.array([one["text"]], pa.large_string()))[0].as_py()
            rows.append({**said, "id": one["id"], "url": one["url"], "excerpt": excerpt})
    return pa.Table.from_pylist(rows, schema=BORDERS)


def duplicates(parts: Sequence[Prepared], of_source: Sequence[str], decided: pa.Table, just_kept: Pairs) -> pa.Table:
    """Some pairs of a dropped near duplicate and the document that stays, and those just kept: the DUPLICATES table."""
    near = decided.filter(pc.and_(pc.equal(decided["stage"], "minhash"), decided["kept_id"].is_valid()))
    pairs: list[tuple[Place, Place, float, int]] = []  # what stays, the other, how alike, how many went for the first
    if len(near):
        kept, clusters = np.unique(np.array(near["kept_id"].to_pylist()), return_inverse=True)
        sizes = np.bincount(clusters)
        value = near["value"].to_numpy(zero_copy_only=False)
        least = np.argsort(value, kind="stable")[:PAIRS]
        largest = [int(np.flatnonzero(clusters == c)[0]) for c in np.argsort(-sizes, kind="stable")[:PAIRS]]
        shown = list(dict.fromkeys([*least.tolist(), *largest]))
        where = _places(parts, [str(kept[clusters[i]]) for i in shown])
        for i in shown:
            stays = where.get(str(kept[clusters[i]]))
            if stays is not None:
                other = (near["partition"][i].as_py(), near["index"][i].as_py())
                pairs.append((stays, other, float(value[i]), int(sizes[clusters[i]])))
    pairs += _still_there(parts, decided, just_kept)
    wanted: dict[int, list[int]] = {}
    for stays, other, _, _ in pairs:
        for number, row in (stays, other):
            wanted.setdefault(number, []).append(row)
    texts = {
        (number, row): one
        for number, rows in wanted.items()
        for row, one in _rows(parts[number], rows, ["id", "text"]).items()
    }
    made = []
    for stays, other, similarity, cluster in pairs:
        there, here = texts[stays], texts[other]
        same, removed, added, changes = differences(there["text"][:CHARS], here["text"][:CHARS])
        made.append(
            {
                "kept_id": there["id"],
                "kept_source": of_source[stays[0]],
                "id": here["id"],
                "source": of_source[other[0]],
                "similarity": similarity,
                "cluster": cluster,
                "same": same,
                "removed": removed,
                "added": added,
                "changes": [{"there": before, "here": after} for before, after in changes],
            }
        )
    return pa.Table.from_pylist(made, schema=DUPLICATES)


def repeated(work: Work) -> pa.Table:
    """The longest spans that stood before, and the most frequent, each with one of its occurrences: the REPEATED table."""
    same = ["first_id", "first_start", "bytes"]
    one = [pl.col(name).first() for name in ("partition", "row", "start")]
    frames = []
    for number in work.numbers:
        with storage.open_read(work.path("substrings", number)) as stream:
            frame = pl.DataFrame(pq.read_table(stream))
        frame = frame.with_columns(bytes=pl.col("end") - pl.col("start"), partition=pl.lit(number, pl.Int64))
        frames.append(frame.group_by(same, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("times"), *one))
    every = pl.concat(frames).group_by(same, maintain_order=True).agg(pl.col("times").sum(), *one)
    shown = [
        every.sort([by, *same, "partition", "row"], descending=[True] + [False] * 5).head(SPANS_SHOWN)
        for by in ("bytes", "times")
    ]
    made = []
    for span in pl.concat(shown).unique(maintain_order=True).to_dicts():
        part = work.part(span["partition"], before="substrings")
        text = _rows(part, [span["row"]], ["id", "text"])[span["row"]]
        excerpt = text["text"].encode()[span["start"] : span["start"] + span["bytes"]].decode()[:EXCERPT_CHARS]
        source = work.of_source[span["partition"]]
        made.append({**span, "id": text["id"], "source": source, "excerpt": excerpt})
    return pa.Table.from_pylist([{name: row[name] for name in REPEATED.names} for row in made], schema=REPEATED)


def _still_there(
    parts: Sequence[Prepared], decided: pa.Table, just_kept: Pairs
) -> list[tuple[Place, Place, float, int]]:
    """Just kept pairs that no later stage dropped either of."""
    starts = np.cumsum([0, *(part.kept for part in parts)])
    gone = starts[decided["partition"].to_numpy()] + decided["index"].to_numpy()

    def place(row: int) -> Place:
        number = int(np.searchsorted(starts, row, side="right")) - 1
        return number, int(row - starts[number])

    return [
        (place(left), place(right), similarity, 0)
        for left, right, similarity in just_kept
        if not np.isin([left, right], gone).any()
    ]


def _places(parts: Sequence[Prepared], ids: list[str]) -> dict[str, tuple[int, int]]:
    """(partition, row) of the first document with each id."""
    wanted = id_pairs(pa.array([bytes.fromhex(one) for one in ids], pa.binary(16)))
    found: dict[str, tuple[int, int]] = {}
    for number, part in enumerate(parts):
        here = ids_of([part])
        for one, pair in zip(ids, wanted, strict=True):
            hits = np.flatnonzero((here == pair).all(axis=1))
            if one not in found and len(hits):
                found[one] = (number, int(hits[0]))
    return found


def _rows(part: Prepared, rows: list[int], columns: list[str]) -> dict[int, dict[str, str]]:
    """Some rows of a partition's documents."""
    wanted = np.unique(np.array(rows, dtype=np.int64))
    found: dict[int, dict[str, str]] = {}
    for mine, table in storage.chosen_rows(part.documents_path, wanted, columns):
        found |= dict(zip(mine.tolist(), table.to_pylist(), strict=True))
    return found
