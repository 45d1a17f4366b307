"""*substrings*: every byte inside a window of ``min_bytes`` bytes that stood before, in document order, is cut out of its document.

Five steps, none of which sees more text than a partition's. *anchors* finds the anchors of each partition's kept documents
(``curation.dedup.anchors``), 20 bytes each, one in about 190 bytes at 500; *equal* says, a range of keys at a time, which of them are
not alone; *surroundings* copies the bytes around these, by range; *repeated* compares those of a range byte by byte
(``curation.dedup.substrings``); *cut* writes a partition anew. Documents that earlier releases published come first in the order, and
are read, by range, from what these keep of them (``curation.releases.known_texts``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from curation import storage
from curation.arrays.arrow_text import Bytes, Offsets, as_text, blank_rows, buffers
from curation.dedup import spans, substrings
from curation.dedup.anchors import anchors_of
from curation.dedup.key_ranges import range_of_keys
from curation.dedup.rows import decisions_for, ids_at
from curation.dedup.spans import Spans
from curation.releases import known_texts
from curation.releases.history import compared_with
from curation.releases.known_texts import ANCHORS, Known
from curation.releases.work import Done, Work
from schemas.dedup import Substrings
from schemas.tables import SPANS

STAGE = "substrings"
Int = npt.NDArray[np.int64]
RUNS = pa.schema([("row", pa.int64()), ("first", pa.int64()), ("stop", pa.int64()), ("period", pa.int64())])
"""``curation.dedup.anchors.Runs``, rows of the documents table."""
KNOWN = pa.schema([("file", pa.int32()), *ANCHORS])
"""Anchors of what earlier releases published. file: its place among the tables of these."""
SURROUNDINGS = pa.schema([*ANCHORS, ("bytes", pa.large_binary())])
"""An anchor and the bytes of all windows that have it."""
REPEATS = pa.schema(
    [
        ("row", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("first_table", pa.int32()),
        ("first_row", pa.int64()),
        ("first_start", pa.int64()),
    ]
)
"""Bytes [start, end) of a document that stood before, and where: first_table counts earlier releases' tables, then partitions."""


# What each stage computes


def found_in(tables: Iterator[tuple[Int, pa.Table]], min_bytes: int) -> tuple[pa.Table, pa.Table, int]:
    """Anchors, sorted by key, those of a key in document order; runs; and bytes of text. tables: rows of a documents table, and their texts."""
    anchors, runs, text_bytes = [ANCHORS.empty_table()], [RUNS.empty_table()], 0
    for rows, table in tables:
        data, offsets = buffers(as_text(table["text"]))
        text_bytes += int(offsets[-1] - offsets[0])
        found, repeating = anchors_of(data, offsets, min_bytes)
        row = rows[found.row].astype(np.uint32)
        anchors.append(pa.table([found.key, row, found.place, found.after, found.before], schema=ANCHORS))
        runs.append(pa.table([rows[repeating.row], *repeating[1:]], schema=RUNS))
    whole = pa.concat_tables(anchors)
    order = np.argsort(whole["key"].to_numpy(), kind="stable")
    return whole.take(pa.array(order)), pa.concat_tables(runs), text_bytes


def by_shelf(anchors: pa.Table, shelves: int) -> Iterator[pa.RecordBatch]:
    """Anchors sorted by key, a batch a range."""
    place = range_of_keys(anchors["key"].to_numpy(), shelves)
    cuts = np.searchsorted(place, np.arange(shelves + 1)).tolist()
    whole = anchors.combine_chunks()
    for first, last in pairwise(cuts):
        yield _batch(whole.slice(first, last - first))


def not_alone(keys: Sequence[npt.NDArray[np.uint64]], known: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.bool_]]:
    """Of each partition's keys of one range those that another has, of any partition or among ``known``: bool[m] each."""
    whole = np.concatenate([np.zeros(0, dtype=np.uint64), *keys])
    ordered = np.sort(np.concatenate([whole, np.unique(known)]))
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated):
        return [np.zeros(len(one), dtype=bool) for one in keys]
    return [repeated[np.minimum(np.searchsorted(repeated, one), len(repeated) - 1)] == one for one in keys]


def by_source(
    of_source: Sequence[str], anchors: Sequence[dict[str, int]], cut: Sequence[dict[str, int]]
) -> list[dict[str, Any]]:
    """What was looked at and what stood before, by source, as the manifest has it. anchors, cut: what these stages counted of each
    partition."""
    names = ("documents_before", "bytes_before", "repeated_documents", "repeated_spans", "repeated_bytes")
    found: dict[str, Counter[str]] = {}
    for source, *counts in zip(of_source, anchors, cut, strict=True):
        both = counts[0] | counts[1]
        found.setdefault(source, Counter()).update({name: both[name] for name in names})
    return [{"source": source, **{name: total[name] for name in names}} for source, total in found.items()]


class Texts:
    """Some rows of a documents table, their bytes one after the other."""

    def __init__(self, rows: Int, tables: Sequence[pa.Table]):
        self.rows = rows
        texts = as_text(pa.chunked_array([chunk for one in tables for chunk in one["text"].chunks], pa.large_string()))
        self.data, self.offsets = buffers(texts)

    def around(self, anchors: pa.RecordBatch, min_bytes: int) -> pa.Array:
        """The bytes of all windows that have each anchor: large_binary."""
        row = np.searchsorted(self.rows, anchors["row"].to_numpy().astype(np.int64))
        before = anchors["before"].to_numpy().astype(np.int64)
        size = before - anchors["after"].to_numpy() + min_bytes
        start = self.offsets[row] + anchors["place"].to_numpy() - before
        where = np.r_[0, np.cumsum(size)]
        out = np.empty(int(where[-1]), dtype=np.uint8)
        _gather(self.data, start, where, out)
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(size), [None, pa.py_buffer(where.astype(np.int64)), pa.py_buffer(out)]
        )


@njit(nogil=True, cache=True)
def _gather(data: Bytes, start: Int, where: Offsets, out: Bytes) -> None:
    for i in range(len(start)):
        for k in range(where[i + 1] - where[i]):
            out[where[i] + k] = data[start[i] + k]


def repeated(tables: Sequence[pa.RecordBatch], params: Substrings) -> list[pa.Table]:
    """What stood before, of each table of surroundings of one range (SURROUNDINGS, in document order): the REPEATS tables."""
    table = np.repeat(np.arange(len(tables)), [len(one) for one in tables])
    of = {name: np.concatenate([one[name].to_numpy() for one in tables]) for name in ANCHORS.names}
    pieces = [buffers(one["bytes"]) for one in tables]
    shift = np.cumsum([0, *(len(data) for data, _ in pieces)])
    start = np.concatenate([where[:-1] + base for (_, where), base in zip(pieces, shift[:-1], strict=True)])
    data = np.concatenate([data for data, _ in pieces])
    del pieces
    order = np.argsort(of["key"], kind="stable")
    found = substrings.repeats(
        of["key"][order],
        of["after"][order],
        of["before"][order],
        data,
        start[order],
        params.min_bytes,
        with_first=params.keep == "none",
    )
    member, first = order[found.member], order[found.first]
    place = of["place"].astype(np.int64)
    columns = {
        "row": of["row"][member].astype(np.int64),
        "start": place[member] - found.high,
        "end": place[member] - found.low + params.min_bytes,
        "first_table": table[first].astype(np.int32),
        "first_row": of["row"][first].astype(np.int64),
        "first_start": place[first] - found.high,
    }
    mine = table[member]
    by = np.argsort(mine, kind="stable")
    cuts = np.searchsorted(mine[by], np.arange(len(tables) + 1)).tolist()
    return [
        pa.table({name: values[by[first:last]] for name, values in columns.items()}, schema=REPEATS)
        for first, last in pairwise(cuts)
    ]


def in_order(repeats: pa.Table, runs: pa.Table, table: int, params: Substrings) -> pa.Table:
    """All that stood before of one partition, by row and start. table: the partition's place among all tables."""
    back = runs["period"].to_numpy() if params.keep == "none" else 0
    start = runs["first"].to_numpy() - back
    whole = pa.concat_tables(
        [
            repeats,
            pa.table(
                {
                    "row": runs["row"],
                    "start": start,
                    "end": runs["stop"].to_numpy() - 1 + params.min_bytes,
                    "first_table": np.full(len(runs), table, dtype=np.int32),
                    "first_row": runs["row"],
                    "first_start": runs["first"].to_numpy() - runs["period"].to_numpy(),
                },
                schema=REPEATS,
            ),
        ]
    )
    by = [whole[name].to_numpy() for name in ("first_start", "first_row", "first_table", "end", "start", "row")]
    return whole.take(pa.array(np.lexsort(by)))


def cut(
    texts: pa.LargeStringArray, found: Spans, params: Substrings
) -> tuple[Spans, pa.LargeStringArray, list[tuple[int, tuple[str, float, float]]]]:
    """The spans that go of some texts, kept to the boundary; the texts as they are then; and which are dropped, by what rule.

    found: spans, already joined. A dropped text is as it was.
    """
    going = spans.shrunk(texts, found, params.boundary)
    if not params.changes or not len(going.row):
        return going, texts, []
    which = np.unique(going.row)
    hit = texts.take(pa.array(which))
    inside = going._replace(row=np.searchsorted(which, going.row))
    left, rest = spans.share_left(hit, inside), spans.without(hit, inside)
    blank = blank_rows(rest)
    verdicts = [spans.verdict(float(left[i]), bool(blank[i]), params) for i in range(len(which))]
    dropped = [(int(row), said) for row, said in zip(which, verdicts, strict=True) if said is not None]
    if params.action == "drop":
        return going, texts, dropped
    new = pc.if_else(pa.array([said is None for said in verdicts]), rest, hit)
    mask = np.zeros(len(texts), dtype=bool)
    mask[which] = True
    return going, pc.replace_with_mask(texts, pa.array(mask), new), dropped


# The stages


def run_anchors(work: Work, number: int) -> Done:
    """The anchors of one partition's documents, by range, and what in them repeats itself."""
    part = work.part(number, before=STAGE)
    rows = work.left_to_cut(number, before=STAGE)
    texts = storage.chosen_rows(part.documents_path, rows, ["text"])
    anchors, runs, text_bytes = found_in(texts, _params(work).min_bytes)
    files = [work.path("anchors", number, "arrow"), work.path("runs", number, "arrow")]
    storage.put_batches(files[0], ANCHORS, by_shelf(anchors, work.shelves))
    storage.put_arrow(files[1], runs)
    return Done({"documents_before": len(rows), "bytes_before": text_bytes}, files)


def run_equal(work: Work, place: int) -> Done:
    """The anchors of a range that are not alone, by partition, and those of earlier releases that are equal to one of them."""
    batches = storage.each(lambda number: _read(work.path("anchors", number, "arrow"), place), work.numbers)
    keys = [batch["key"].to_numpy() for batch in batches]
    files = [work.path("equal-anchors", place, "arrow")]
    met = [np.zeros(0, dtype=np.uint64)]
    if work.recipe.dedup.history:
        published = known_texts.of_releases(
            work.home, [one.name for one in compared_with(work)], _params(work).min_bytes
        )
        ours = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *keys]))
        tables = [known_texts.anchors_among(one, ours, place, work.shelves) for one in published]
        file = np.repeat(np.arange(len(tables), dtype=np.int32), [len(one) for one in tables])
        known = pa.concat_tables([ANCHORS.empty_table(), *tables]).add_column(0, "file", pa.array(file))
        met.append(known["key"].to_numpy())
        files += [work.path("known-anchors", place, "arrow"), work.path("known-texts", place, "json")]
        storage.put_arrow(files[1], known.cast(KNOWN))
        storage.put(files[2], json.dumps([asdict(one) for one in published]).encode())
    chosen = not_alone(keys, np.concatenate(met))
    equal = (batch.filter(pa.array(mask)) for batch, mask in zip(batches, chosen, strict=True))
    storage.put_batches(files[0], ANCHORS, equal)
    return Done({"equal": int(sum(mask.sum() for mask in chosen))}, files)


def run_surroundings(work: Work, number: int) -> Done:
    """The bytes around a partition's anchors that are not alone, by range."""
    params = _params(work)
    batches = [_read(work.path("equal-anchors", place, "arrow"), number) for place in range(work.shelves)]
    rows = np.unique(np.concatenate([batch["row"].to_numpy() for batch in batches])).astype(np.int64)
    path = work.part(number, before=STAGE).documents_path
    texts = Texts(rows, [table for _, table in storage.chosen_rows(path, rows, ["text"])])
    target = work.path("surroundings", number, "arrow")
    storage.put_batches(target, SURROUNDINGS, (_with_bytes(batch, texts, params) for batch in batches))
    return Done({"anchors": sum(len(batch) for batch in batches)}, [target])


def run_repeated(work: Work, place: int) -> Done:
    """What stood before, of a range of keys, by partition."""
    params = _params(work)
    published = _published(work, place)
    tables = []
    if published:
        known = storage.read_arrow(work.path("known-anchors", place, "arrow"))
        for number, one in enumerate(published):
            mine = _batch(known.filter(pa.array(known["file"].to_numpy() == number)).drop_columns(["file"]))
            rows = np.unique(mine["row"].to_numpy()).astype(np.int64)
            texts = Texts(rows, known_texts.texts(one, rows))
            tables.append(_with_bytes(mine, texts, params))
    tables += storage.each(lambda number: _read(work.path("surroundings", number, "arrow"), place), work.numbers)
    found = repeated(tables, params)[len(published) :]
    target = work.path("repeats", place, "arrow")
    storage.put_batches(target, REPEATS, map(_batch, found))
    return Done({"repeats": sum(map(len, found))}, [target])


def run_cut(work: Work, number: int) -> Done:
    """One partition without the bytes that stood before, and where these were."""
    params = _params(work)
    published = _published(work, 0)
    batches = storage.each(lambda place: _read(work.path("repeats", place, "arrow"), number), range(work.shelves))
    repeats = pa.Table.from_batches(batches, schema=REPEATS)
    runs = storage.read_arrow(work.path("runs", number, "arrow"))
    stood = in_order(repeats, runs, len(published) + number, params)
    at = [stood[name].to_numpy() for name in ("row", "start", "end")]
    whole = spans.joined(at[0], at[1], at[2], params.close_gaps)
    part, target = work.part(number, before=STAGE), work.path(f"documents-{STAGE}", number)
    made: list[Spans] = []
    dropped: list[tuple[int, tuple[str, float, float]]] = []

    def pieces() -> Iterator[pa.Table]:
        start = 0
        for table in storage.row_groups(part.documents_path, None if params.action == "cut" else ["text"]):
            first, last = np.searchsorted(whole.row, [start, start + len(table)])
            mine = Spans(whole.row[first:last] - start, *(column[first:last] for column in whole[1:]))
            texts = as_text(table["text"])
            going, new, gone = cut(texts, mine, params)
            made.append(going._replace(row=going.row + start))
            dropped.extend((start + row, said) for row, said in gone)
            where = table.schema.get_field_index("text")
            yield table.set_column(where, "text", new.cast(table.schema.field(where).type))
            start += len(table)

    files = []
    if params.action == "cut" and len(whole.row):
        with storage.open_parquet(part.documents_path) as file:
            schema = file.schema_arrow
        with storage.parquet_writer(target, schema) as writer:
            for piece in pieces():
                writer.write_table(piece)
        files.append(target)
    elif len(whole.row):
        for _ in pieces():
            pass
    going = Spans(*(np.concatenate(columns) for columns in zip(*made, strict=True))) if made else whole
    files.append(work.path(STAGE, number))
    storage.put_table(files[-1], _named(work, going, stood, published))
    files.append(work.decide(STAGE, number, decisions_for(STAGE, dropped)))
    kept = np.setdiff1d(going.row, [row for row, _ in dropped]) if params.action != "drop" else going.row[:0]
    places = int(np.isin(going.row, kept).sum())
    return Done(
        {
            "dropped": len(dropped),
            "documents": len(kept),
            "places": places,
            "repeated_documents": len(np.unique(going.row)),
            "repeated_spans": len(going.row),
            "repeated_bytes": int((going.end - going.start).sum()),
        },
        files,
    )


def _named(work: Work, going: Spans, stood: pa.Table, published: Sequence[Known]) -> pa.Table:
    """The SPANS table of the spans that go."""
    rows = stood.take(pa.array(going.item))
    shift = going.start - rows["start"].to_numpy()
    table, first_row = rows["first_table"].to_numpy(), rows["first_row"].to_numpy()
    ids = np.empty(len(table), dtype=object)
    ours = np.flatnonzero(table >= len(published))
    starts = np.cumsum([0, *(part.kept for part in work.parts)])
    ids[ours] = ids_at(work.parts, starts[table[ours] - len(published)] + first_row[ours]).to_pylist()
    for file in np.unique(table[table < len(published)]).tolist():
        mine = np.flatnonzero(table == file)
        wanted, place = np.unique(first_row[mine], return_inverse=True)
        found = pa.concat_tables(known_texts.texts(published[file], wanted, ("id",)))
        ids[mine] = np.array(found["id"].to_pylist(), dtype=object)[place]
    first_start = rows["first_start"].to_numpy() + shift
    return pa.table([going.row, going.start, going.end, pa.array(ids, pa.string()), first_start], schema=SPANS)


def _with_bytes(anchors: pa.RecordBatch, texts: Texts, params: Substrings) -> pa.RecordBatch:
    return pa.record_batch([*anchors.columns, texts.around(anchors, params.min_bytes)], schema=SURROUNDINGS)


def _batch(table: pa.Table) -> pa.RecordBatch:
    """A table as one batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _read(path: str, number: int) -> pa.RecordBatch:
    """One batch of an Arrow file."""
    with storage.open_read(path) as stream:
        return pa.ipc.open_file(stream).get_batch(number)


def _published(work: Work, place: int) -> list[Known]:
    """The tables of earlier releases that this run is compared with."""
    if not work.recipe.dedup.history:
        return []
    return [Known(**one) for one in json.loads(storage.read_bytes(work.path("known-texts", place, "json")))]


def _params(work: Work) -> Substrings:
    if work.recipe.dedup.substrings is None:
        raise ValueError("the recipe looks for no repeated substrings")
    return work.recipe.dedup.substrings
