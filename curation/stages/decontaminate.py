"""*decontaminate*: documents that hold benchmark items, one partition at a time.

By GPT-3's rule (Brown et al. 2020, appendix C) every 13-gram that a document shares with an item is a collision, unless it
stands in more than ten documents; collisions are cut out with 200 characters on each side, pieces under 200 characters go,
and a document left in more than ten pieces is dropped. Here the pieces stay one document, a blank line between them.

Tülu 3's coverage (Lambert et al. 2024, section 3.2): a token of an item matches a document if both have an n-gram that
includes it; the document is dropped if it matches more than ``max_coverage`` of the item's tokens. Items of fewer than
n tokens are left out, or match where they stand whole (``short_items``); an item that too many documents hold is no sign
of contamination (``max_hits``). Every column that may be written is compared. Tokens are lower-cased runs of letters and digits, and single characters in
scripts without spaces; n-grams are compared by 64-bit hashes over the items' vocabulary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import readers, storage
from curation.arrow_text import as_text
from curation.cleaning import places as text_places
from curation.dedup.shared_grams import gram_tables, may_share
from curation.readers.formats import by_name
from curation.stages.prepare import comparable
from curation.work import DECIDED, Done, Work
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
from schemas.manifest import Warning
from schemas.sources import Columns, Source
from schemas.work import Prepared

TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+"
)
NGRAMS = {"ngram": 8, "gpt3": 13}
MASK = "|||BENCHMARK_ITEM|||"
BATCH_BYTES = 32_000_000
UNKNOWN = 0
CONTAMINATED = 0.02
"""Share of a benchmark's items that make a whole source contaminated (Tülu 3)."""
MULTIPLIER = 0x9E3779B97F4A7C15

Hashes = npt.NDArray[np.uint64]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Items:
    """Benchmark items. benchmarks: the file of each; short: too short to be looked for; codes: word -> number from 1; by length n of n-gram: sorted hashes,
    and for each the item and the position where it begins: int64[m]; quick: the tables of ``shared_grams``."""

    names: tuple[str, ...]
    benchmarks: tuple[str, ...]
    short: npt.NDArray[np.bool_]
    sizes: npt.NDArray[np.int64]
    codes: dict[str, int]
    grams: dict[int, tuple[Hashes, npt.NDArray[np.int64], npt.NDArray[np.int64]]]
    quick: dict[int, npt.NDArray[np.uint64]]


def tokens(text: str) -> list[str]:
    """Lower-cased words; a character each in scripts without spaces."""
    return TOKEN.findall(text.lower())


def item_files(params: Decontaminate) -> tuple[tuple[str, str], ...]:
    """(URL, sha256) of the benchmark files. Raises RecipeError for a glob that finds nothing."""
    files: dict[str, str] = {}
    for number, pattern in enumerate(params.benchmarks):
        found = [info for info in storage.glob(pattern) if info.kind == "file"]
        found = found or [info for info in storage.glob(storage.join(pattern, "*")) if info.kind == "file"]
        if not found:
            raise RecipeError(f"decontaminate.benchmarks[{number}]", f"{pattern!r} matches no file; mend the path")
        files |= {info.url: storage.sha256(info.url) for info in sorted(found, key=lambda info: info.path)}
    return tuple(files.items())


@lru_cache(maxsize=2)
def read_items(
    files: tuple[tuple[str, str], ...], columns: tuple[str, ...], ngram: int, short_items: str = "skip"
) -> Items:
    """The items of benchmark files. Raises RecipeError for a file that cannot be read, or no item at all."""
    names: list[str] = []
    words: list[list[str]] = []
    texts: list[str] = []
    benchmarks: list[str] = []
    for url, _ in files:
        for name, text in _rows(url, columns):
            split = tokens(text)
            if split:
                names.append(name)
                benchmarks.append(storage.name(url))
                words.append(split)
                texts.append(text)
    if not names:
        raise RecipeError("decontaminate.benchmarks", "the benchmark files hold no item with a text")
    sizes = np.array([len(split) for split in words])
    short = (sizes < ngram) & (short_items == "skip")
    codes: dict[str, int] = {}
    for split in words:
        for word in split:
            codes.setdefault(word, len(codes) + 1)
    found: dict[int, list[tuple[Hashes, int]]] = {}
    for item, split in enumerate(words):
        if short[item]:
            continue
        n = min(ngram, len(split))
        numbers = np.array([codes[word] for word in split], dtype=np.uint64)
        found.setdefault(n, []).append((gram_hashes(numbers, n), item))
    grams = {}
    for n, entries in sorted(found.items()):
        hashes = np.concatenate([h for h, _ in entries])
        item_of = np.concatenate([np.full(len(h), item) for h, item in entries])
        position = np.concatenate([np.arange(len(h)) for h, _ in entries])
        order = np.argsort(hashes, kind="stable")
        grams[n] = (hashes[order], item_of[order], position[order])
    looked_for = [text for text, left_out in zip(texts, short.tolist(), strict=True) if not left_out]
    quick = gram_tables(pa.array(looked_for, pa.large_string()), ngram)
    return Items(tuple(names), tuple(benchmarks), short, sizes, codes, grams, quick)


def items_of(params: Decontaminate, files: tuple[tuple[str, str], ...]) -> Items:
    """The items that a recipe compares its documents with."""
    return read_items(files, tuple(params.columns), params.ngram or NGRAMS[params.method], params.short_items)


def _rows(url: str, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    named = by_name(url)
    if named is None:
        raise RecipeError("decontaminate.benchmarks", f"{url}: unknown kind of file")
    source = Source(name="benchmark", paths=[url], columns=Columns(text=columns[0]))
    extra = dict.fromkeys(columns[1:], "string")
    wanted = readers.wanted_of(source, extra, BATCH_BYTES)
    for batch in readers.read(url, wanted, format=named[0], compression=named[1]):
        if batch.fault or batch.bad_rows:
            why = batch.fault or "row {}: {}".format(*batch.bad_rows[0])
            raise RecipeError("decontaminate.benchmarks", f"{url}: {why}")
        for row in batch.documents.to_pylist():
            parts = [row["text"], *(row[f"column:{name}"] for name in columns[1:])]
            yield row["name"] or f"{storage.name(url)}:{row['row']}", "\n".join(part for part in parts if part)


def gram_hashes(numbers: Hashes, n: int) -> Hashes:
    """A hash of each n consecutive numbers: uint64[len - n + 1]; numbers from 1."""
    count = len(numbers) - n + 1
    if count <= 0:
        return np.zeros(0, dtype=np.uint64)
    result = np.zeros(count, dtype=np.uint64)
    multiplier = np.uint64(MULTIPLIER)
    for k in range(n):
        result = (result ^ (numbers[k : k + count] * multiplier)) * np.uint64(0xD6E8FEB86659FD93)
        result ^= result >> np.uint64(32)
    return result


def numbers_of(words: list[str], items: Items) -> Hashes:
    """The items' numbers of words, UNKNOWN for others: uint64[words]."""
    return np.array([items.codes.get(word, UNKNOWN) for word in words], dtype=np.uint64)


def matches(numbers: Hashes, items: Items) -> Iterator[tuple[int, Int, Int, Int]]:
    """For each length n: n, where in the text an n-gram of the items begins, and its range in ``items.grams[n]``."""
    for n, (hashes, _, _) in items.grams.items():
        found = gram_hashes(numbers, n)
        if not len(found):
            continue
        known = np.convolve(numbers == UNKNOWN, np.ones(n, dtype=np.int64), mode="valid") == 0
        places = np.flatnonzero(known)
        first = np.searchsorted(hashes, found[places], side="left")
        last = np.searchsorted(hashes, found[places], side="right")
        hit = last > first
        if hit.any():
            yield n, places[hit], first[hit], last[hit]


def coverages(numbers: Hashes, items: Items) -> dict[int, float]:
    """The share of each item's tokens that lie in an n-gram of the text, for the items that have any."""
    hits: dict[int, set[int]] = {}
    for n, _, first, last in matches(numbers, items):
        _, item_of, position = items.grams[n]
        for a, b in dict.fromkeys(zip(first.tolist(), last.tolist(), strict=True)):
            for k in range(a, b):
                hits.setdefault(int(item_of[k]), set()).update(range(int(position[k]), int(position[k]) + n))
    return {item: len(covered) / int(items.sizes[item]) for item, covered in hits.items()}


def coverage(text: str, items: Items) -> tuple[int, float]:
    """The item that a text covers most, and the share of its tokens; (-1, 0.0) for none. Ties: the first item."""
    shares = coverages(numbers_of(tokens(text), items), items)
    if not shares:
        return -1, 0.0
    best = min(shares, key=lambda item: (-shares[item], item))
    return best, shares[best]


@dataclass(frozen=True)
class Cleaned:
    """A partition after the stage: its documents, perhaps written anew; what is dropped (DECIDED); every hit (HITS); and
    how many documents and places were rewritten."""

    prepared: Prepared
    decided: pa.Table
    hits: pa.Table
    edits: tuple[int, int]


def run_collisions(work: Work, number: int) -> Done:
    """What one partition holds of the benchmarks, to be counted over all."""
    found = collisions(work.part(number, before="decontaminate"), _kept(work, number), _params(work), work.benchmarks)
    target = work.path("collisions", number, "arrow")
    storage.put_arrow(target, found)
    return Done({"compared": len(_kept(work, number))}, [target])


def run_frequent(work: Work, _: int) -> Done:
    """What stands in too many documents to be a sign of contamination."""
    paths = [work.path("collisions", number, "arrow") for number in work.numbers]
    compared = sum(len(_kept(work, number)) for number in work.numbers)
    ignored = frequent([storage.read_arrow(path) for path in paths], _params(work), compared)
    target = work.path("frequent", 0, "arrow")
    storage.put_arrow(target, ignored)
    return Done({"ignored": len(ignored), "compared": compared}, [target])


def run(work: Work, number: int) -> Done:
    """Which documents of one partition hold benchmark items, and what becomes of them."""
    ignored = storage.read_arrow(work.path("frequent", 0, "arrow"))["key"].to_numpy()
    rows = np.unique(storage.read_arrow(work.path("collisions", number, "arrow"))["row"].to_numpy())
    target, hits = work.path("documents-decontaminate", number), work.path("hits", number)
    part = work.part(number, before="decontaminate")
    done = decontaminate(part, number, rows, _params(work), work.benchmarks, ignored, target)
    files = [work.decide("decontaminate", number, done.decided), hits]
    storage.put_table(hits, done.hits)
    if done.prepared.rewritten == target:
        files.append(target)
    return Done({"dropped": len(done.decided), "documents": done.edits[0], "places": done.edits[1]}, files)


def hits_of(work: Work) -> pa.Table:
    """What was hit in all partitions: the HITS table."""

    def read(number: int) -> pa.Table:
        with storage.open_parquet(work.path("hits", number)) as file:
            return file.read()

    return pa.concat_tables([HITS.empty_table(), *storage.each(read, work.numbers)])


def _params(work: Work) -> Decontaminate:
    if work.recipe.decontaminate is None:
        raise ValueError("the recipe decontaminates nothing")
    return work.recipe.decontaminate


def _kept(work: Work, number: int) -> Int:
    return work.left(number, before="decontaminate")


def collisions(prepared: Prepared, kept: Int, params: Decontaminate, files: tuple[tuple[str, str], ...]) -> pa.Table:
    """What documents of a partition hold: (row, key), each once a document. key: the number of an item that is covered (ngram),
    or the hash of one of the items' n-grams (gpt3).
    """
    items = items_of(params, files)
    rows: list[int] = []
    keys = [np.zeros(0, dtype=np.uint64)]
    for row, _, text, _ in _texts(prepared, kept, items, params):
        numbers = numbers_of(tokens(text), items)
        if params.method == "gpt3":
            found = [items.grams[n][0][first] for n, _, first, _ in matches(numbers, items)]
        else:
            shares = coverages(numbers, items)
            found = [np.array([item for item, share in shares.items() if share > params.max_coverage], dtype=np.uint64)]
        for some in found:
            rows += [row] * len(some)
            keys.append(some)
    table = pa.table({"row": pa.array(rows, pa.int64()), "key": np.concatenate(keys)})
    return table.group_by(["row", "key"]).aggregate([]) if rows else table


MIN_COMMON = 10
"""Documents that an item may be found in, however small the corpus, before it can be too common (as many as GPT-3's n-grams)."""


def frequent(found: list[pa.Table], params: Decontaminate, compared: int) -> pa.Table:
    """The keys that stand in too many documents, sorted, and in how many. compared: documents in all."""
    keys = np.concatenate([np.zeros(0, dtype=np.uint64), *(table["key"].to_numpy() for table in found)])
    key, count = np.unique(keys, return_counts=True)
    most = params.max_documents if params.method == "gpt3" else max(params.max_hits * compared, MIN_COMMON)
    return pa.table({"key": key[count > most], "documents": count[count > most].astype(np.int64)})


def decontaminate(
    prepared: Prepared,
    number: int,
    kept: Int,
    params: Decontaminate,
    files: tuple[tuple[str, str], ...],
    ignored: npt.NDArray[np.uint64],
    target: str,
) -> Cleaned:
    """What becomes of a partition's kept documents. kept: sorted rows of its documents table.

    ignored: the keys that ``frequent`` gave. target: where the documents go if some are rewritten. A document is judged by
    the first of its places that is hit; only its text can be masked, what is hit elsewhere is dropped.
    """
    items = items_of(params, files)
    judge = _by_coverage if params.method == "ngram" else _by_collisions
    drops: dict[int, tuple[int, str, float, float, str]] = {}
    hits: list[tuple[int, str, str, float, str]] = []
    new: dict[int, str] = {}
    places = 0
    for row, place, text, prompt in _texts(prepared, kept, items, params):
        said = judge(text, items, params, ignored)
        if said is None:
            continue
        for item, share in said.items:
            where = place
            if place == "text" and prompt is not None:
                where = _part(item, text, prompt, params.compare, lambda one: judge(one, items, params, ignored))
            hits.append((row, items.names[item], items.benchmarks[item], share, where))
        name = items.names[said.items[0][0]]
        # An instruction with a hole in it is no instruction: pairs are dropped, never masked.
        unmasked = said.rewritten is None or prompt is not None or place != "text"
        if params.does == "drop" or (params.does == "mask" and unmasked):
            drops.setdefault(row, (row, said.rule, said.value, said.threshold, name))
        elif params.does == "mask" and said.rewritten is not None:
            new[row] = said.rewritten
            places += said.places
    new = {row: text for row, text in new.items() if row not in drops}
    return Cleaned(
        _rewritten(prepared, new, target) if new else prepared,
        _decided(number, [drops[row] for row in sorted(drops)]),
        _hits(number, sorted(hits, key=lambda hit: hit[0])),
        (len(new), places),
    )


@dataclass(frozen=True)
class _Said:
    """A document that is hit: the items with their shares, the worst first; the ledger's rule, value and threshold if it
    is dropped; its text without what it shares, None where too little is left; places cut or masked."""

    items: list[tuple[int, float]]
    rule: str
    value: float
    threshold: float
    rewritten: str | None
    places: int


def _by_coverage(text: str, items: Items, params: Decontaminate, ignored: npt.NDArray[np.uint64]) -> _Said | None:
    words = tokens(text)
    numbers = numbers_of(words, items)
    shares = coverages(numbers, items)
    over = {item: share for item, share in shares.items() if share > params.max_coverage and item not in ignored}
    if not over:
        return None
    ranked = sorted(over.items(), key=lambda pair: (-pair[1], pair[0]))
    spans: list[tuple[int, int]] = []
    if params.does == "mask":
        where = [match.span() for match in TOKEN.finditer(text)]
        if len(where) == len(words):  # lower case changed no word's borders
            for n, begin, first, last in matches(numbers, items):
                item_of = items.grams[n][1]
                for at, a, b in zip(begin.tolist(), first.tolist(), last.tolist(), strict=True):
                    if any(int(item_of[k]) in over for k in range(a, b)):
                        spans.append((where[at][0], where[at + n - 1][1]))
    merged = _merged(spans)
    rewritten = _masked(text, merged) if merged else None
    return _Said(ranked, "ngram", ranked[0][1], params.max_coverage, rewritten, len(merged))


def _by_collisions(text: str, items: Items, params: Decontaminate, ignored: npt.NDArray[np.uint64]) -> _Said | None:
    numbers = numbers_of(tokens(text), items)
    found: list[tuple[int, int]] = []
    hit: dict[int, int] = {}
    for n, begin, first, last in matches(numbers, items):
        hashes, item_of, _ = items.grams[n]
        counts = ~np.isin(hashes[first], ignored)
        for at, a, b in zip(begin[counts].tolist(), first[counts].tolist(), last[counts].tolist(), strict=True):
            found.append((at, at + n))
            for item in dict.fromkeys(item_of[a:b].tolist()):
                hit[item] = hit.get(item, 0) + 1
    if not found:
        return None
    ranked = sorted(hit.items(), key=lambda pair: (-pair[1], pair[0]))
    shares = [(item, min(count / max(int(items.sizes[item]) - 12, 1), 1.0)) for item, count in ranked]
    if params.does != "mask":
        return _Said(shares, "gpt3", float(len(found)), 0.0, None, 0)
    where = [match.span() for match in TOKEN.finditer(text)]
    cuts = _merged(
        [(where[a][0] - params.margin, where[b - 1][1] + params.margin) for a, b in found if b <= len(where)]
    )
    pieces, at = [], 0
    for start, end in [*cuts, (len(text), len(text))]:
        pieces.append(text[at : max(start, 0)].strip())
        at = max(end, 0)
    left = [piece for piece in pieces if piece and len(piece) >= params.min_piece]
    if not left:
        return _Said(shares, "gpt3_nothing_left", float(len(found)), 0.0, None, len(cuts))
    if len(left) > params.max_pieces:
        return _Said(shares, "gpt3_too_many_pieces", float(len(left)), float(params.max_pieces), None, len(cuts))
    return _Said(shares, "gpt3", float(len(found)), 0.0, "\n\n".join(left), len(cuts))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap or touch as one, sorted."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])


def _part(item: int, text: str, prompt: str, compare: str, judge: Callable[[str], _Said | None]) -> str:
    """Where in an instruction an item was found: its prompt or its text by itself, else both together."""
    if compare != "both":
        return compare
    for place, part in (("prompt", prompt), ("text", text[len(prompt) + 1 :])):
        said = judge(part)
        if said is not None and item in dict(said.items):
            return place
    return "prompt and text"


def _texts(
    prepared: Prepared, kept: Int, items: Items, params: Decontaminate
) -> Iterator[tuple[int, str, str, str | None]]:
    """(row, place, text, prompt) of what may hold an item, in the kept documents: the text (with its
    prompt, or one of the two, as ``compare`` says), and each other column that may be written."""
    with storage.open_parquet(prepared.documents_path) as file:
        wanted = text_places.columns_in(file.schema_arrow)
        start = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            mine = kept[(kept >= start) & (kept < start + size)] - start
            if len(mine):
                chosen = file.read_row_group(group, columns=wanted).take(pa.array(mine))
                prompts = chosen["prompt"]
                for place, texts in _compared(chosen, params):
                    for at in np.flatnonzero(may_share(texts, items.quick)).tolist():
                        yield start + int(mine[at]), place, texts[at].as_py(), prompts[at].as_py()
            start += size


def _compared(documents: pa.Table, params: Decontaminate) -> Iterator[tuple[str, pa.LargeStringArray]]:
    """Each place of the documents that is compared, and its texts, one a document; lists are joined by line ends."""
    both = comparable(documents)
    if params.compare == "both":
        yield "text", both
    else:
        asked = documents[params.compare]
        yield "text", as_text(pc.coalesce(asked, documents["text"]))
    for place in text_places.columns_of(documents):
        if place not in ("text", "prompt"):
            column = documents[place].combine_chunks()
            if pa.types.is_list(column.type):
                column = pc.binary_join(column, "\n")
            yield text_places.named(place), as_text(pc.fill_null(column, ""))


def _rewritten(prepared: Prepared, new: dict[int, str], target: str) -> Prepared:
    """The partition with other texts for some rows."""
    with (
        storage.open_parquet(prepared.documents_path) as file,
        storage.parquet_writer(target, file.schema_arrow) as writer,
    ):
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            rows = {row - start: text for row, text in new.items() if start <= row < start + len(table)}
            if rows:
                hit = np.zeros(len(table), dtype=bool)
                hit[list(rows)] = True
                at = table.schema.get_field_index("text")
                values = pa.array([rows[row] for row in sorted(rows)], pa.large_string())
                text = pc.replace_with_mask(as_text(table["text"]), pa.array(hit), values)
                table = table.set_column(at, table.schema.field(at), text.cast(table.schema.field(at).type))
            writer.write_table(table)
            start += len(table)
    return replace(prepared, rewritten=target)


def _decided(number: int, drops: list[tuple[int, str, float, float, str]]) -> pa.Table:
    n = len(drops)
    return pa.table(
        {
            "partition": pa.array([number] * n, pa.int32()),
            "index": pa.array([row for row, *_ in drops], pa.int64()),
            "stage": pa.array(["decontaminate"] * n, pa.string()),
            "rule": pa.array([rule for _, rule, *_ in drops], pa.string()),
            "value": pa.array([value for _, _, value, _, _ in drops], pa.float64()),
            "threshold": pa.array([bound for _, _, _, bound, _ in drops], pa.float64()),
            "kept_id": pa.array([name for *_, name in drops], pa.string()),
        },
        schema=DECIDED,
    )


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


def _hits(number: int, hits: list[tuple[int, str, str, float, str]]) -> pa.Table:
    columns: list[Any] = [[number] * len(hits), *([hit[i] for hit in hits] for i in range(5))]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, HITS, strict=True)], schema=HITS)


def contamination(
    hits: pa.Table, sources: list[str], files: tuple[tuple[str, str], ...], params: Decontaminate
) -> list[dict[str, Any]]:
    """By benchmark and source: items, how many are hit, in how many documents, in what places of them, and whether that is
    more than Tülu 3's 2 %.

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
            "contaminated": len(names) / total[benchmark] > CONTAMINATED,
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


def too_common(work: Work) -> list[Warning]:
    """Items that too many documents hold, and those too short to be looked for, by benchmark."""
    params = _params(work)
    items = items_of(params, work.benchmarks)
    made: list[Warning] = []
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


def _of_benchmark(benchmark: str, rule: str, share: float, examples: list[dict[str, Any]]) -> Warning:
    return Warning(
        stage="decontaminate",
        source=None,
        by="benchmark",
        label=benchmark,
        rule=rule,
        share=share,
        examples=examples[:10],
    )
