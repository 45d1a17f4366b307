"""What was hit: by document in the stage, by benchmark and source in the manifest, by document and item in the release."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from curation import storage
from curation.decontamination.items import items_of
from curation.releases.work import Work
from schemas.decontamination import Decontaminate
from schemas.manifest import RunWarning


def hits_of(work: Work) -> pa.Table:
    """What was hit in all partitions: the HITS table."""

    def read(number: int) -> pa.Table:
        with storage.open_parquet(work.path("hits", number)) as file:
            return file.read()

    return pa.concat_tables([HITS.empty_table(), *storage.each(read, work.numbers)])


HITS = pa.schema(
    [
        ("partition", pa.int32()),
        ("index", pa.int64()),
        ("item", pa.string()),
        ("benchmark", pa.string()),
        ("coverage", pa.float64()),
        ("place", pa.string()),
    ]
)
"""A document that holds a benchmark item, dropped for it or not."""


def hits_table(number: int, hits: list[tuple[int, str, str, float, str]]) -> pa.Table:
    columns: list[Any] = [[number] * len(hits), *([hit[i] for hit in hits] for i in range(5))]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, HITS, strict=True)], schema=HITS)


def contamination(
    hits: pa.Table, sources: list[str], files: tuple[tuple[str, str], ...], params: Decontaminate
) -> list[dict[str, Any]]:
    """By benchmark and source: items, how many are hit, in how many documents, in what places of them, and whether that is
    more than makes a source contaminated.

    sources: of each partition.
    """
    items = items_of(params, files)
    total = Counter(items.benchmarks)
    short = Counter(name for name, left_out in zip(items.benchmarks, items.short.tolist(), strict=True) if left_out)
    found: dict[tuple[str, str], set[str]] = {}
    documents: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], Counter[str]] = {}
    seen: set[tuple[int, int, str]] = set()
    seen_in: set[tuple[int, int, str, str]] = set()
    for row in hits.to_pylist():
        key = (row["benchmark"], sources[row["partition"]])
        found.setdefault(key, set()).add(row["item"])
        if (row["partition"], row["index"], row["benchmark"]) not in seen:
            seen.add((row["partition"], row["index"], row["benchmark"]))
            documents[key] += 1
        if (row["partition"], row["index"], row["benchmark"], row["place"]) not in seen_in:
            seen_in.add((row["partition"], row["index"], row["benchmark"], row["place"]))
            where.setdefault(key, Counter())[row["place"]] += 1
    return [
        {
            "benchmark": benchmark,
            "source": source,
            "items": total[benchmark],
            "items_short": short[benchmark],
            "items_hit": len(names),
            "documents": documents[benchmark, source],
            "places": dict(sorted(where[benchmark, source].items())),
            "share": round(len(names) / total[benchmark], 6),
            "contaminated": len(names) / total[benchmark] > params.max_source_share,
        }
        for (benchmark, source), names in sorted(found.items())
    ]


def write_hits(work: Work) -> None:
    """``contamination/hits.parquet``: item, benchmark, coverage, place, and the document's id, name and source."""
    hits, release = hits_of(work), work.release
    parts, sources = work.parts, work.of_source
    rows: list[dict[str, Any]] = []
    for number, part in enumerate(parts):
        mine = [row for row in hits.to_pylist() if row["partition"] == number]
        if not mine:
            continue
        with storage.open_parquet(part.documents_path) as file:
            documents = file.read(columns=["id", "name"]).take(pa.array([row["index"] for row in mine])).to_pylist()
        rows += [
            {key: row[key] for key in ("item", "benchmark", "coverage", "place")}
            | document
            | {"source": sources[number]}
            for row, document in zip(mine, documents, strict=True)
        ]
    kinds = {"coverage": pa.float64()}
    names = ("item", "benchmark", "coverage", "place", "id", "name", "source")
    schema = pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in names])
    with storage.parquet_writer(storage.join(release, "contamination", "hits.parquet"), schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def too_common(work: Work) -> list[RunWarning]:
    """Items that too many documents hold, and those too short to be looked for, by benchmark."""
    params = work.recipe.decontaminate
    if params is None:
        return []
    items = items_of(params, work.benchmarks)
    made: list[RunWarning] = []
    for benchmark in sorted(set(items.benchmarks)):
        mine = [item for item, name in enumerate(items.benchmarks) if name == benchmark]
        short = [{"item": items.names[item], "words": int(items.sizes[item])} for item in mine if items.short[item]]
        if short:
            made.append(_of_benchmark(benchmark, "short_items", len(short) / len(mine), short))
    if params.method == "ngram":
        table = storage.read_arrow(work.path("frequent", 0, "arrow"))
        found: dict[str, list[dict[str, Any]]] = {}
        for item, documents in zip(table["key"].to_pylist(), table["documents"].to_pylist(), strict=True):
            found.setdefault(items.benchmarks[item], []).append({"item": items.names[item], "documents": documents})
        for benchmark, common in sorted(found.items()):
            made.append(_of_benchmark(benchmark, "too_common", len(common) / items.benchmarks.count(benchmark), common))
    return made


def _of_benchmark(benchmark: str, rule: str, share: float, examples: list[dict[str, Any]]) -> RunWarning:
    return RunWarning(
        stage="decontaminate",
        source=None,
        by="benchmark",
        label=benchmark,
        rule=rule,
        share=share,
        examples=examples[:10],
    )
