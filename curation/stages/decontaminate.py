"""*decontaminate*: documents that hold benchmark items, one partition at a time.

Tülu 3's coverage (Lambert et al. 2024, section 3.2): a token of an item matches a document if both have an n-gram that
includes it; the document is dropped if it matches more than ``max_coverage`` of the item's tokens. Items of fewer than
n tokens match where they stand whole. Tokens are lower-cased runs of letters and digits, and single characters in
scripts without spaces; n-grams are compared by 64-bit hashes over the items' vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import readers, storage
from curation.readers.formats import by_name
from curation.stages.deduplicate import DECIDED
from curation.stages.prepare import Prepared, comparable
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
from schemas.sources import Columns, Source

TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+"
)
NGRAM = 8
BATCH_BYTES = 32_000_000
UNKNOWN = 0
MULTIPLIER = 0x9E3779B97F4A7C15

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Items:
    """Benchmark items. codes: word -> number from 1; by length n of n-gram: sorted hashes, and for each the item and
    the position where it begins: int64[m]."""

    names: tuple[str, ...]
    sizes: npt.NDArray[np.int64]
    codes: dict[str, int]
    grams: dict[int, tuple[Hashes, npt.NDArray[np.int64], npt.NDArray[np.int64]]]


def tokens(text: str) -> list[str]:
    """Lower-cased words; a character each in scripts without spaces."""
    return TOKEN.findall(text.lower())


def item_files(params: Decontaminate) -> tuple[tuple[str, str], ...]:
    """(URL, sha256) of the benchmark files. Raises RecipeError for a glob that finds nothing."""
    files: dict[str, str] = {}
    for number, pattern in enumerate(params.benchmarks):
        found = [info for info in storage.glob(pattern) if info.kind == "file"]
        if not found:
            raise RecipeError(f"decontaminate.benchmarks[{number}]", f"{pattern!r} matches no file; mend the path")
        files |= {info.url: storage.sha256(info.url) for info in sorted(found, key=lambda info: info.path)}
    return tuple(files.items())


@lru_cache(maxsize=2)
def read_items(files: tuple[tuple[str, str], ...], columns: tuple[str, ...], ngram: int) -> Items:
    """The items of benchmark files. Raises RecipeError for a file that cannot be read, or no item at all."""
    names: list[str] = []
    words: list[list[str]] = []
    for url, _ in files:
        for name, text in _rows(url, columns):
            split = tokens(text)
            if split:
                names.append(name)
                words.append(split)
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
    return Items(tuple(names), np.array([len(split) for split in words]), codes, grams)


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


def coverage(text: str, items: Items) -> tuple[int, float]:
    """The item that a text covers most, and the share of its tokens; (-1, 0.0) for none. Ties: the first item."""
    numbers = np.array([items.codes.get(word, UNKNOWN) for word in tokens(text)], dtype=np.uint64)
    hits: dict[int, set[int]] = {}
    for n, (hashes, item_of, position) in items.grams.items():
        found = gram_hashes(numbers, n)
        if not len(found):
            continue
        known = np.convolve(numbers == UNKNOWN, np.ones(n, dtype=np.int64), mode="valid") == 0
        found = np.unique(found[known])
        first = np.searchsorted(hashes, found, side="left")
        last = np.searchsorted(hashes, found, side="right")
        for a, b in zip(first[last > first], last[last > first], strict=True):
            for k in range(a, b):
                hits.setdefault(int(item_of[k]), set()).update(range(int(position[k]), int(position[k]) + n))
    if not hits:
        return -1, 0.0
    shares = {item: len(covered) / int(items.sizes[item]) for item, covered in hits.items()}
    best = min(shares, key=lambda item: (-shares[item], item))
    return best, shares[best]


def decontaminate(
    prepared: Prepared,
    number: int,
    kept: npt.NDArray[np.int64],
    params: Decontaminate,
    files: tuple[tuple[str, str], ...],
) -> pa.Table:
    """The kept documents of a partition that hold an item: the DECIDED table. kept: sorted rows of its documents."""
    items = read_items(files, tuple(params.columns), params.ngram or NGRAM)
    rows: list[int] = []
    values: list[float] = []
    names: list[str] = []
    with storage.open_parquet(prepared.documents_path) as file:
        start = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["text", "prompt"])
            mine = kept[(kept >= start) & (kept < start + len(table))] - start
            for row, text in zip(mine, comparable(table.take(pa.array(mine))).to_pylist(), strict=True):
                item, share = coverage(text, items)
                if share > params.max_coverage:
                    rows.append(start + int(row))
                    values.append(share)
                    names.append(items.names[item])
            start += len(table)
    n = len(rows)
    return pa.table(
        {
            "partition": pa.array([number] * n, pa.int32()),
            "index": pa.array(rows, pa.int64()),
            "stage": pa.array(["decontaminate"] * n, pa.string()),
            "rule": pa.array([params.method] * n, pa.string()),
            "value": pa.array(values, pa.float64()),
            "threshold": pa.array([params.max_coverage] * n, pa.float64()),
            "kept_id": pa.array(names, pa.string()),
        },
        schema=DECIDED,
    )
