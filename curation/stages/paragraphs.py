"""*paragraphs*: text that repeats across the corpus is cut out of its documents, all but its first occurrences.

Three steps. ``find`` hashes the units of one partition's kept documents into a table sorted by hash; ``repeated`` takes
a range of hashes of all tables and says which units go; ``cut`` writes a partition's documents anew. A
unit takes 20 bytes on disk; of memory the middle step takes what one range holds, whatever the corpus.

Sources: C4 (Raffel et al. 2020), spans of three sentences as datatrove 0.10.1's SentenceDedup finds them (all copies but
the first in order go) and lines as TFDS's c4_utils does (the page with the least md5 of its URL keeps the line, once).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numba import njit, uint64

from curation import storage
from curation.arrays.arrow_text import Bytes, as_text, buffers, from_buffers
from curation.dedup.normalise import mix
from curation.dedup.rows import decisions_for
from curation.dedup.units import Units, units_of
from curation.releases.work import Done, Work
from curation.rules.characters import classes
from curation.rules.lines import stripped
from curation.rules.sentences import count_sentences, packed_abbreviations
from schemas.dedup import Paragraphs
from schemas.tables import DECIDED
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
UNITS = pa.schema([("hash", pa.uint64()), ("place", pa.uint64()), ("document", pa.int32()), ("unit", pa.int32())])
"""A unit that may go: its hash, the rank of its document (0: by order of documents), its row and its number in it."""
CUTS = pa.schema([("partition", pa.int32()), ("document", pa.int32()), ("unit", pa.int32())])
"""A unit that goes."""
CUTS_ROW_GROUP = 1 << 16
"""Sorted by partition: a partition's cuts are read without most others."""
UNITS_AT_ONCE = 8_000_000
STAGE = "paragraphs"


def run_find(work: Work, number: int) -> Done:
    """The hashes of one partition's paragraphs."""
    target = work.path("units", number)
    find(work.prepared(number), work.left_to_cut(number, before=STAGE), _params(work), target)
    return Done({}, [target])


def run_repeated(work: Work, place: int) -> Done:
    """Which paragraphs of a range of hashes repeat across the partitions."""
    paths = [work.path("units", number) for number in work.numbers]
    cuts = repeated(paths, _params(work), place, work.ranges)
    target = work.path("cuts", place)
    storage.put_table(target, cuts, row_group=CUTS_ROW_GROUP)
    return Done({"cuts": len(cuts)}, [target])


def run_cut(work: Work, number: int) -> Done:
    """One partition without the paragraphs that repeat."""
    tables = []
    for place in range(work.ranges):
        with storage.open_read(work.path("cuts", place)) as stream:
            tables.append(pq.read_table(stream, filters=[("partition", "=", number)]))
    cuts = cuts_of(pa.concat_tables(tables), number)
    target = work.path(f"documents-{STAGE}", number)
    part, decided, (documents, units) = cut(work.prepared(number), number, cuts, _params(work), target)
    files = [work.decide(STAGE, number, decided)]
    if part.rewritten is not None:
        files.append(target)
    return Done({"dropped": len(decided), "documents": documents, "places": units}, files)


def _params(work: Work) -> Paragraphs:
    return work.recipe.dedup.paragraphs or Paragraphs()


def find(prepared: Prepared, kept: Int, params: Paragraphs, target: str) -> str:
    """Write the UNITS table of a partition's kept documents, sorted by hash, to ``target``; returns it.

    kept: sorted rows of its documents table.
    """
    found: list[pa.Table] = []
    with storage.open_parquet(prepared.documents_path) as file:
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["text", "url"])
            mine = kept[(kept >= start) & (kept < start + len(table))] - start
            rows = table.take(pa.array(mine))
            found.append(_units_table(rows, mine + start, params))
            start += len(table)
    units = pa.concat_tables([UNITS.empty_table(), *found]).sort_by("hash")
    with storage.parquet_writer(target, UNITS) as writer:
        writer.write_table(units, row_group_size=1 << 18)
    return target


def _units_table(rows: pa.Table, numbers: Int, params: Paragraphs) -> pa.Table:
    units = units_of(as_text(rows["text"]), params)
    document = np.repeat(np.arange(len(rows)), np.diff(units.first))
    unit = np.arange(len(document)) - units.first[document]
    hashes = units.hash
    if params.unit == "sentences":
        hashes, whole = _spans(units, document, params.span)
    else:
        whole = units.chars >= max(params.min_chars, 1)
    place = np.zeros(len(document), dtype=np.uint64)
    if params.unit == "c4_lines":
        ranks = [
            int.from_bytes(hashlib.md5((url or "").encode()).digest()[:8], "big") for url in rows["url"].to_pylist()
        ]
        place = np.array(ranks, dtype=np.uint64)[document]
    columns = [hashes[whole], place[whole], numbers[document[whole]].astype(np.int32), unit[whole].astype(np.int32)]
    return pa.table(columns, schema=UNITS)


def _spans(units: Units, document: Int, span: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """The hash of the sentences from each one on, ``span`` of them, and whether the text has so many."""
    n = len(units.hash)
    hashes, whole = np.zeros(n, dtype=np.uint64), np.zeros(n, dtype=bool)
    if n >= span:
        _span_hashes(units.hash, span, hashes)
        last = n - span + 1
        whole[:last] = document[:last] == document[span - 1 :]
    return hashes, whole


@njit(nogil=True, cache=True)
def _span_hashes(hashes: npt.NDArray[np.uint64], span: int, out: npt.NDArray[np.uint64]) -> None:
    for i in range(len(hashes) - span + 1):
        h = uint64(0)
        for j in range(span):
            h = mix(h ^ hashes[i + j]) + uint64(1)
        out[i] = h


def repeated(paths: list[str], params: Paragraphs, place: int = 0, ranges: int = 1) -> pa.Table:
    """What goes of the units of one range of hashes: the CUTS table, sorted. paths: the UNITS table of each partition."""
    steps = max(-(-sum(storage.each(_rows, paths)) // (UNITS_AT_ONCE * ranges)), 1)
    edges = [((place * steps + step) << 64) // (ranges * steps) for step in range(steps + 1)]
    gone = [CUTS.empty_table()]
    for low, high in pairwise(edges):
        tables = storage.each(partial(_range, low=low, high=high), paths)
        table = pa.concat_tables(tables)
        partition = np.repeat(np.arange(len(paths)), [len(one) for one in tables])
        hashes, rank = table["hash"].to_numpy(), table["place"].to_numpy()
        document, unit = table["document"].to_numpy(), table["unit"].to_numpy()
        order = np.lexsort((unit, document, partition, rank, hashes))
        ordered = hashes[order]
        first = (
            np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, dtype=np.int64)
        )
        copy = np.arange(len(ordered)) - np.repeat(first, np.diff(np.r_[first, len(ordered)]))
        out = order[copy >= params.max_repeats]
        gone.append(pa.table([partition[out].astype(np.int32), document[out], unit[out]], schema=CUTS))
    return pa.concat_tables(gone).sort_by([(name, "ascending") for name in CUTS.names])


def cuts_of(cuts: pa.Table, number: int) -> npt.NDArray[np.int32]:
    """What goes of one partition: int32[cuts, 2] of document row and unit, sorted. cuts: CUTS tables, one after the other."""
    mine = cuts.filter(pa.array(cuts["partition"].to_numpy() == number))
    rows = np.column_stack([mine["document"].to_numpy(), mine["unit"].to_numpy()])
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _rows(path: str) -> int:
    with storage.open_parquet(path) as file:
        rows: int = file.metadata.num_rows
    return rows


def _range(path: str, low: int, high: int) -> pa.Table:
    """The units whose hash is in [low, high)."""
    with storage.open_read(path) as stream:
        wanted = [("hash", ">=", pa.scalar(low, pa.uint64()))]
        if high < 2**64:
            wanted.append(("hash", "<", pa.scalar(high, pa.uint64())))
        return pq.read_table(stream, filters=wanted)


def cut(
    prepared: Prepared, number: int, cuts: npt.NDArray[np.int32], params: Paragraphs, target: str
) -> tuple[Prepared, pa.Table, tuple[int, int]]:
    """A partition with its documents written anew to ``target``, what that drops (DECIDED), and (documents, units) cut.

    A document of which nothing is left, or fewer than ``min_words`` or ``min_sentences``, is dropped; its text stays as
    it was. Where nothing is cut, the partition is given back as it is.
    """
    if not len(cuts):
        return prepared, DECIDED.empty_table(), (0, 0)
    dropped: list[tuple[int, tuple[str, float, float]]] = []
    documents = units = 0
    with (
        storage.open_parquet(prepared.documents_path) as file,
        storage.parquet_writer(target, file.schema_arrow) as writer,
    ):
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            mine = cuts[(cuts[:, 0] >= start) & (cuts[:, 0] < start + len(table))]
            which, count = np.unique(mine[:, 0] - start, return_counts=True)
            texts = as_text(table["text"].take(pa.array(which)))
            left = _without(texts, mine[:, 1], count, params)
            kept = np.ones(len(which), dtype=bool)
            for place, said in enumerate(_verdicts(left, params)):
                if said is not None:
                    dropped.append((start + int(which[place]), said))
                    kept[place] = False
            documents += int(kept.sum())
            units += int(count[kept].sum())
            new = pc.if_else(pa.array(kept), left, texts)
            hit = np.zeros(len(table), dtype=bool)
            hit[which] = True
            text = pc.replace_with_mask(as_text(table["text"]), pa.array(hit), new)
            at = table.schema.get_field_index("text")
            writer.write_table(table.set_column(at, "text", text.cast(table.schema.field(at).type)))
            start += len(table)
    here = pa.repeat(pa.scalar(number, pa.int32()), len(dropped))
    decided = decisions_for(STAGE, dropped).add_column(0, DECIDED.field("partition"), here)
    return replace(prepared, rewritten=target), decided, (documents, units)


def _without(
    texts: pa.LargeStringArray, gone: npt.NDArray[np.int32], count: Int, params: Paragraphs
) -> pa.LargeStringArray:
    """The texts without units, sorted by text and number, ``count`` of them a text."""
    data, _ = buffers(texts)
    units = units_of(texts, params)
    span = params.span if params.unit == "sentences" else 1
    out = np.empty(int(units.start[-1] - units.start[0]) + 1 if len(units.hash) else 1, dtype=np.uint8)
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    first = np.r_[0, np.cumsum(count)]
    _copy(data, units.first, units.start, gone.astype(np.int64), first, span, classes(), out, offsets)
    return from_buffers(out, offsets)


@njit(nogil=True, cache=True)
def _copy(
    data: Bytes,
    first: Int,
    start: Int,
    gone: Int,
    first_gone: Int,
    span: int,
    kinds: npt.NDArray[np.uint16],
    out: Bytes,
    offsets: Int,
) -> None:
    to = 0
    for row in range(len(first) - 1):
        begin = to
        place, until = first_gone[row], -1
        for unit in range(first[row], first[row + 1]):
            number = unit - first[row]
            if place < first_gone[row + 1] and gone[place] == number:
                until = number + span
                place += 1
            if number < until:
                continue
            for i in range(start[unit], start[unit + 1]):
                out[to] = data[i]
                to += 1
        low, to = stripped(out, begin, to, kinds)
        for i in range(to - low):
            out[begin + i] = out[low + i]
        to = begin + to - low
        offsets[row + 1] = to


def _verdicts(texts: pa.LargeStringArray, params: Paragraphs) -> list[tuple[str, float, float] | None]:
    """What drops a text that was cut: rule, value, threshold."""
    data, offsets = buffers(texts)
    words = np.asarray(pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(texts))))
    blank = np.asarray(pc.equal(pc.binary_length(texts), 0))
    codes, none = np.empty(4096, dtype=np.int64), np.empty(0, dtype=np.int64)
    found: list[tuple[str, float, float] | None] = []
    for row in range(len(texts)):
        said: tuple[str, float, float] | None = None
        if blank[row]:
            said = ("nothing_left", 0.0, 0.0)
        elif words[row] < params.min_words:
            said = ("too_few_words", float(words[row]), float(params.min_words))
        elif params.min_sentences:
            sentences = count_sentences(
                data, offsets[row], offsets[row + 1], classes(), packed_abbreviations(), codes, none
            )
            if sentences < params.min_sentences:
                said = ("too_few_sentences", float(sentences), float(params.min_sentences))
        found.append(said)
    return found
