"""Benchmark items, and what a text has in common with them: n-grams of tokens, compared by 64-bit hashes over the items' vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.dedup.shared_grams import gram_tables
from curation.readers import read_files
from curation.readers.formats import by_name
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
from schemas.sources import Columns, Source

TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+"
)


NGRAMS = {"ngram": 8, "gpt3": 13}


UNKNOWN = 0


MULTIPLIER = 0x9E3779B97F4A7C15


BATCH_BYTES = 32_000_000
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
    """(URL, sha256) of the benchmark files. Raises RecipeError for a glob that finds nothing, and a name that no file has."""
    files: dict[str, str] = {}
    for number, pattern in enumerate(params.benchmarks):
        found = [info for info in storage.glob(pattern) if info.kind == "file"]
        found = found or [info for info in storage.glob(storage.join(pattern, "*")) if info.kind == "file"]
        if not found:
            raise RecipeError(f"decontaminate.benchmarks[{number}]", f"{pattern!r} matches no file; mend the path")
        files |= {info.url: storage.sha256(info.url) for info in sorted(found, key=lambda info: info.path)}
    names = sorted({storage.name(url) for url in files})
    unknown = [] if isinstance(params.whole_sources, str) else sorted(set(params.whole_sources) - set(names))
    if unknown:
        raise RecipeError(
            "decontaminate.whole_sources", f"{unknown[0]!r} is no benchmark's file; there are {', '.join(names[:20])}"
        )
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
    wanted = read_files.wanted_of(source, extra, BATCH_BYTES)
    for batch in read_files.read(url, wanted, format=named[0], compression=named[1]):
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
