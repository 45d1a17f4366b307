"""*decontaminate*: documents that hold benchmark items, one partition at a time.

By GPT-3's rule (Brown et al. 2020, appendix C) every 13-gram that a document shares with an item is a collision, unless it
stands in more than ten documents; collisions are cut out with 200 characters on each side, pieces under 200 characters go,
and a document left in more than ten pieces is dropped. Here the pieces stay one document, a blank line between them.

Tülu 3's coverage (Lambert et al. 2024, section 3.2): a token of an item matches a document if both have an n-gram that
includes it; the document is dropped if it matches more than ``max_coverage`` of the item's tokens. Items of fewer than
n tokens match where they stand whole. Tokens are lower-cased runs of letters and digits, and single characters in
scripts without spaces; n-grams are compared by 64-bit hashes over the items' vocabulary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import readers, storage
from curation.arrow_text import as_text
from curation.dedup.shared_grams import gram_tables, may_share
from curation.readers.formats import by_name
from curation.stages.prepare import comparable
from curation.work import DECIDED, Done, Work
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
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
    """Benchmark items. benchmarks: the file of each; codes: word -> number from 1; by length n of n-gram: sorted hashes,
    and for each the item and the position where it begins: int64[m]; quick: the tables of ``shared_grams``."""

    names: tuple[str, ...]
    benchmarks: tuple[str, ...]
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
def read_items(files: tuple[tuple[str, str], ...], columns: tuple[str, ...], ngram: int) -> Items:
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
    codes: dict[str, int] = {}
    for split in words:
        for word in split:
            codes.setdefault(word, len(codes) + 1)
    found: dict[int, list[tuple[Hashes, int]]] = {}
    for item, split in enumerate(words):
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
    sizes = np.array([len(split) for split in words])
    quick = gram_tables(pa.array(texts, pa.large_string()), ngram)
    return Items(tuple(names), tuple(benchmarks), sizes, codes, grams, quick)


def _rows(url: str, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    named = by_name(url)
    if named is None:
        raise RecipeError("decontaminate.benchmarks", f"{url}: unknown kind of file")
    source = Source(name="benchmark", paths=[url], columns=Columns(text=columns[0]))
    extra = dict.fromkeys(columns[1:], "string")
    wanted = readers.wanted_of(source, extra, BATCH_BYTES)
    for batch in readers.read(url, wanted, format=named[0], compression=named[1]):
        if batch.fault or batch.bad_rows:
            raise RecipeError("decontaminate.benchmarks", f"{url}: {batch.fault or batch.bad_rows[0][1]}")
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
    """The benchmarks' n-grams that one partition holds."""
    params = _params(work)
    found = collisions(work.part(number, before="decontaminate"), _kept(work, number), params, work.benchmarks)
    target = work.path("collisions", number, "arrow")
    storage.put_arrow(target, pa.table({"hash": found}))
    return Done({}, [target])


def run_frequent(work: Work, _: int) -> Done:
    """The n-grams that stand in too many documents to be a sign of contamination."""
    paths = [work.path("collisions", number, "arrow") for number in work.numbers]
    ignored = frequent([storage.read_arrow(path)["hash"].to_numpy() for path in paths], _params(work))
    target = work.path("frequent", 0, "arrow")
    storage.put_arrow(target, pa.table({"hash": ignored}))
    return Done({"ignored": len(ignored)}, [target])


def run(work: Work, number: int) -> Done:
    """Which documents of one partition hold benchmark items, and what becomes of them."""
    params = _params(work)
    ignored = np.zeros(0, dtype=np.uint64)
    if params.method == "gpt3":
        ignored = storage.read_arrow(work.path("frequent", 0, "arrow"))["hash"].to_numpy()
    target, hits = work.path("documents-decontaminate", number), work.path("hits", number)
    part = work.part(number, before="decontaminate")
    done = decontaminate(part, number, _kept(work, number), params, work.benchmarks, ignored, target)
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


def collisions(
    prepared: Prepared, kept: Int, params: Decontaminate, files: tuple[tuple[str, str], ...]
) -> npt.NDArray[np.uint64]:
    """For gpt3, the items' n-grams that documents of a partition hold, each once a document: uint64[m], their hashes."""
    items = read_items(files, tuple(params.columns), params.ngram or NGRAMS[params.method])
    found = [np.zeros(0, dtype=np.uint64)]
    for _, text, _ in _texts(prepared, kept, items):
        numbers = numbers_of(tokens(text), items)
        found += [np.unique(items.grams[n][0][first]) for n, _, first, _ in matches(numbers, items)]
    return np.concatenate(found)


def frequent(found: list[npt.NDArray[np.uint64]], params: Decontaminate) -> npt.NDArray[np.uint64]:
    """The n-grams that stand in more documents than ``max_documents``, sorted."""
    hashes, count = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *found]), return_counts=True)
    return hashes[count > params.max_documents]


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

    ignored: what ``frequent`` gave (gpt3). target: where the documents go if some are rewritten.
    """
    items = read_items(files, tuple(params.columns), params.ngram or NGRAMS[params.method])
    drops: list[tuple[int, str, float, float, str]] = []
    hits: list[tuple[int, str, str, float]] = []
    new: dict[int, str] = {}
    places = 0
    for row, text, has_prompt in _texts(prepared, kept, items):
        judge = _by_coverage if params.method == "ngram" else _by_collisions
        said = judge(text, items, params, ignored)
        if said is None:
            continue
        hits += [(row, items.names[item], items.benchmarks[item], share) for item, share in said.items]
        name = items.names[said.items[0][0]]
        # An instruction with a hole in it is no instruction: pairs are dropped, never masked.
        if params.does == "drop" or (params.does == "mask" and (said.rewritten is None or has_prompt)):
            drops.append((row, said.rule, said.value, said.threshold, name))
        elif params.does == "mask" and said.rewritten is not None:
            new[row] = said.rewritten
            places += said.places
    return Cleaned(
        _rewritten(prepared, new, target) if new else prepared,
        _decided(number, drops),
        _hits(number, hits),
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


def _by_coverage(text: str, items: Items, params: Decontaminate, _ignored: npt.NDArray[np.uint64]) -> _Said | None:
    words = tokens(text)
    numbers = numbers_of(words, items)
    over = {item: share for item, share in coverages(numbers, items).items() if share > params.max_coverage}
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


def _texts(prepared: Prepared, kept: Int, items: Items) -> Iterator[tuple[int, str, bool]]:
    """(row, text, whether there is a prompt) of the kept documents that may hold an item; the text behind its prompt."""
    with storage.open_parquet(prepared.documents_path) as file:
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["text", "prompt"])
            mine = kept[(kept >= start) & (kept < start + len(table))] - start
            chosen = table.take(pa.array(mine))
            prompts = chosen["prompt"].is_valid().to_pylist()
            texts = comparable(chosen)
            for place in np.flatnonzero(may_share(texts, items.quick)).tolist():
                yield start + int(mine[place]), texts[place].as_py(), prompts[place]
            start += len(table)


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
    ]
)
"""A document that holds a benchmark item, dropped for it or not."""


def _hits(number: int, hits: list[tuple[int, str, str, float]]) -> pa.Table:
    columns: list[Any] = [[number] * len(hits), *([hit[i] for hit in hits] for i in range(4))]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, HITS, strict=True)], schema=HITS)


def contamination(
    hits: pa.Table, sources: list[str], files: tuple[tuple[str, str], ...], params: Decontaminate
) -> list[dict[str, Any]]:
    """By benchmark and source: items, how many are hit, and whether that is more than Tülu 3's 2 %.

    sources: of each partition.
    """
    items = read_items(files, tuple(params.columns), params.ngram or NGRAMS[params.method])
    total = Counter(items.benchmarks)
    found: dict[tuple[str, str], set[str]] = {}
    documents: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[int, int, str]] = set()
    for row in hits.to_pylist():
        key = (row["benchmark"], sources[row["partition"]])
        found.setdefault(key, set()).add(row["item"])
        if (row["partition"], row["index"], row["benchmark"]) not in seen:
            seen.add((row["partition"], row["index"], row["benchmark"]))
            documents[key] += 1
    return [
        {
            "benchmark": benchmark,
            "source": source,
            "items": total[benchmark],
            "items_hit": len(names),
            "documents": documents[benchmark, source],
            "share": round(len(names) / total[benchmark], 6),
            "contaminated": len(names) / total[benchmark] > CONTAMINATED,
        }
        for (benchmark, source), names in sorted(found.items())
    ]


def write_hits(work: Work) -> None:
    """``contamination/hits.parquet``: item, benchmark, coverage, and the document's id, name and source."""
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
            {key: row[key] for key in ("item", "benchmark", "coverage")} | document | {"source": sources[number]}
            for row, document in zip(mine, documents, strict=True)
        ]
    kinds = {"coverage": pa.float64()}
    names = ("item", "benchmark", "coverage", "id", "name", "source")
    schema = pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in names])
    with storage.parquet_writer(storage.join(release, "contamination", "hits.parquet"), schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
