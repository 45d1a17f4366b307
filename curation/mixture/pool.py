"""*pool*: a table without text of all that is left: where each document stands, its size, its tags and scores.

``Pool`` holds the columns that plan and schedule need of all partitions together, labels as 32-bit codes: some dozens of
bytes a document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import seeds, storage
from curation.arrays.give_back import give_back
from curation.arrays.ids import id_pairs, id_texts
from curation.methods import selectors
from curation.methods.mixers import Sizes
from curation.methods.orders import OrderKeys
from curation.releases.work import Work
from schemas.errors import RecipeError
from schemas.filters import Bounds, Filter
from schemas.formatters import Conditioning
from schemas.groups import SEPARATOR, joined
from schemas.phases import Pool as PoolFilter
from schemas.recipe import BUILT_IN_NAMES
from schemas.tables import NO_LABEL

BYTES_PER_TOKEN = 4
NUMBERS = frozenset({"quality", "tokens", "copies", "language_score"})
PLACES = ("partition", "index", "id", "bytes", "tokens")
NAMED = 3
"""Sources that a note names."""


@dataclass(frozen=True)
class Labels:
    """Dictionary-coded labels, one a document: ``names[codes[i]]``; -1 is no label."""

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]

    def with_none(self) -> Labels:
        """With what has no label as a group of its own, the last."""
        return Labels(np.where(self.codes < 0, len(self.names), self.codes), (*self.names, NO_LABEL))


@dataclass(frozen=True)
class Written:
    """Documents as one conditioning writes them: bytes_ uint32[n], tokens int32[n]."""

    bytes_: npt.NDArray[np.uint32]
    tokens: npt.NDArray[np.int32]


Column = Labels | npt.NDArray[np.float64]


def first_label(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """One label a document: the first in sorted order where there are several."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pa.array(
            [min((v for v in row if v is not None), default=None) if row else None for row in column.to_pylist()],
            pa.string(),
        )
    return column


def label_texts(column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """One label a document as text, numbers written with %g; null for none."""
    column = first_label(column)
    if pa.types.is_floating(column.type):
        column = pa.array([None if v is None else f"{v:g}" for v in column.to_pylist()], pa.string())
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def crossed(columns: Sequence[Labels]) -> Labels:
    """The combinations of labels that there are, as labels of their own; one column as it is. No label is one, in them."""
    if len(columns) == 1:
        return columns[0]
    names = [(*column.names, NO_LABEL) for column in columns]
    codes = np.zeros(len(columns[0].codes), dtype=np.int64)
    for column, of in zip(columns, names, strict=True):
        codes = codes * len(of) + np.where(column.codes < 0, len(of) - 1, column.codes)
    found, places = np.unique(codes, return_inverse=True)
    parts = np.unravel_index(found, [len(of) for of in names])
    labels = [joined(of[i] for of, i in zip(names, row, strict=True)) for row in zip(*parts, strict=True)]
    return Labels(places.astype(np.int32), tuple(labels))


@dataclass
class Pool:
    """All documents that are left, without text. Rows are in (source place, path, row) order.

    ids: uint64[n, 2]; partition, index: int32[n]; bytes_, tokens: int64[n] of the text alone; columns by name; written:
    by ``written_key``, what a conditioning makes of each.
    """

    ids: npt.NDArray[np.uint64]
    partition: npt.NDArray[np.int32]
    index: npt.NDArray[np.int32]
    bytes_: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    columns: dict[str, Column]
    written: dict[str, Written] = field(default_factory=dict)
    drawn: npt.NDArray[np.int32] | None = None
    """How often earlier releases trained on each document, int32[n]; null: no phase asks."""
    held_out: npt.NDArray[np.bool_] | None = None
    """Documents that no phase may draw from; null: none."""
    _masks: dict[tuple[str, int, str], npt.NDArray[np.uint8]] = field(default_factory=dict)
    _notes: dict[tuple[str, int, str], tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.partition)

    def tokens_in(self, conditioning: Conditioning | None) -> npt.NDArray[np.int64]:
        """Tokens of each document as a phase with this conditioning writes it; int64[n].

        Exact but where a formatter draws by the phase (UL2's spans, steps for a share): there it is one draw of many.
        """
        if conditioning is None:
            return self.tokens
        return self.written[written_key(conditioning)].tokens.astype(np.int64)

    def bytes_in(self, conditioning: Conditioning | None) -> npt.NDArray[np.int64]:
        """UTF-8 bytes of each document as written, like ``tokens_in``; int64[n]."""
        return self.bytes_ if conditioning is None else self.written[written_key(conditioning)].bytes_.astype(np.int64)

    def column(self, name: str, place: str) -> Column:
        """A column by its name in the recipe. Raises RecipeError naming the place."""
        if name == "tokens":
            return self.tokens.astype(np.float64)
        if name == "id":
            texts = id_texts(self.ids)
            order = np.argsort(texts, kind="stable")
            codes = np.empty(len(order), dtype=np.int32)
            codes[order] = np.arange(len(order), dtype=np.int32)
            return Labels(codes, tuple(texts[order]))
        if name not in self.columns:
            known = sorted({*self.columns, *BUILT_IN_NAMES})
            raise RecipeError(place, f"no tag or built-in name {name!r}; there are {', '.join(known)}")
        return self.columns[name]

    def codes(self, by: str | None, labels: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """Index into ``labels`` of each document's group; -1 for a group that is not among them."""
        if by is None:
            return np.zeros(len(self), dtype=np.int64)
        column = self._labels(by)
        where = {name: i for i, name in enumerate(labels)}
        lookup = np.array([where.get(name, -1) for name in column.names] + [where.get(NO_LABEL, -1)], dtype=np.int64)
        return lookup[column.codes]

    def _labels(self, by: str) -> Labels:
        """The groups by a name, or by several joined by a slash."""
        return crossed([self._labels_of(name) for name in by.split(SEPARATOR)])

    def _labels_of(self, name: str) -> Labels:
        column = self.column(name, "mixture.by")
        if isinstance(column, Labels):
            return column
        values, codes = np.unique(column, return_inverse=True)
        names = tuple(NO_LABEL if np.isnan(v) else f"{v:g}" for v in values)
        return Labels(codes.astype(np.int32), names)

    def sizes(self, by: str | None, mask: npt.NDArray[np.bool_], tokens: npt.NDArray[np.int64]) -> Sizes:
        """Documents and tokens of each group of the masked documents, labels sorted."""
        if by is None:
            return Sizes(("(all)",), np.array([int(mask.sum())]), np.array([int(tokens[mask].sum())]))
        column = self._labels(by).with_none()
        codes = column.codes[mask]
        documents = np.bincount(codes, minlength=len(column.names))
        amount = np.bincount(codes, weights=tokens[mask], minlength=len(column.names))
        merged: dict[str, tuple[int, int]] = {}
        for name, n, t in zip(column.names, documents, amount, strict=True):
            if n:
                before = merged.get(name, (0, 0))
                merged[name] = (before[0] + int(n), before[1] + int(t))
        labels = tuple(sorted(merged))
        return Sizes(labels, np.array([merged[x][0] for x in labels]), np.array([merged[x][1] for x in labels]))

    def means(self, by: str, score: str, mask: npt.NDArray[np.bool_]) -> dict[str, float]:
        """The mean of a numeric column over the masked documents of each label; labels without a number are left out."""
        values = selectors.scores_of(self, score, "score")[mask]
        column = self._labels(by)
        codes = column.codes[mask]
        sound = ~np.isnan(values) & (codes >= 0)
        counts = np.bincount(codes[sound], minlength=len(column.names))
        sums = np.bincount(codes[sound], weights=values[sound], minlength=len(column.names))
        return {column.names[i]: float(sums[i] / counts[i]) for i in np.flatnonzero(counts)}

    def mask(self, pool: PoolFilter, *, seed: int, phase: str, place: str) -> npt.NDArray[np.bool_]:
        """The documents a phase may draw from: bool[n]. Raises RecipeError for an unknown name or label."""
        key = (pool.model_dump_json(), seed, phase)
        if key not in self._masks:
            said: list[str] = []
            self._masks[key] = np.packbits(self._select(pool, seed, phase, place, said))
            self._notes[key] = tuple(said)
        return np.unpackbits(self._masks[key], count=len(self)).astype(bool)

    def without(self, held_out: npt.NDArray[np.bool_]) -> Pool:
        """The same pool, of which no phase may draw from these documents either: bool[n]."""
        if self.held_out is not None:
            held_out = held_out | self.held_out
        return replace(self, held_out=held_out, _masks={}, _notes={})

    def notes(self, pool: PoolFilter, *, seed: int, phase: str, place: str) -> tuple[str, ...]:
        """What the pool's selectors pass over for want of a score, and which find fewer documents than they ask."""
        self.mask(pool, seed=seed, phase=phase, place=place)
        return self._notes[pool.model_dump_json(), seed, phase]

    def without_value(self, name: str, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64], place: str) -> str | None:
        """Of these documents those whose column is null, in words: how many, and of which sources; None for none."""
        column = self.column(name, place)
        missing = (column.codes < 0 if isinstance(column, Labels) else np.isnan(column))[rows]
        n = int(missing.sum())
        if not n:
            return None
        of = self.columns.get("source")
        sources = ""
        if isinstance(of, Labels):
            counts = np.bincount(of.codes[rows][missing], minlength=len(of.names))
            most = sorted(np.flatnonzero(counts).tolist(), key=lambda i: (-counts[i], of.names[i]))
            named = ", ".join(f"{of.names[i]} {counts[i]:,}" for i in most[:NAMED])
            sources = f" ({named}{', …' if len(most) > NAMED else ''})"
        return f"{n:,} of {len(missing):,} documents have no {name!r}{sources}"

    def _select(self, pool: PoolFilter, seed: int, phase: str, place: str, said: list[str]) -> npt.NDArray[np.bool_]:
        result = self._where(pool.where, f"{place}.pool.where")
        if self.held_out is not None:
            result &= ~self.held_out
        for number, selector in enumerate(pool.select):
            where = f"{place}.pool.select[{number}]"
            chosen_from = result & self._where(selector.within, f"{where}.within")
            rows = np.flatnonzero(chosen_from)
            kept = selectors.select(self._subset(rows), selector, seed=seed, phase=phase, place=where)
            result[rows] = kept
            score = selectors.score_of(selector)
            lacking = self.without_value(score, rows, where) if score is not None and len(rows) else None
            if lacking is not None:
                does = "takes them last" if type(selector) in selectors.GROUPING else "passes them over"
                said.append(f"{lacking}: pool.select[{number}] {does}")
            asked = getattr(selector, "documents", None)
            if type(selector) in selectors.COUNTED and isinstance(asked, int) and int(kept.sum()) < asked:
                said.append(f"pool.select[{number}] asks {asked:,} documents and finds {int(kept.sum()):,}")
        return result

    def _where(self, filters: Mapping[str, Filter], place: str) -> npt.NDArray[np.bool_]:
        result = np.ones(len(self), dtype=bool)
        for name, wanted in filters.items():
            result &= self._matches(name, wanted, f"{place}.{name}")
        return result

    def _matches(self, name: str, wanted: Any, place: str) -> npt.NDArray[np.bool_]:
        column = self.column(name, place)
        if isinstance(wanted, Bounds):
            return _between(column, wanted, place)
        values = wanted if isinstance(wanted, list) else [wanted]
        if isinstance(column, Labels):
            texts = {NO_LABEL if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in values}
            unknown = texts - set(column.names) - {NO_LABEL}
            if unknown:
                known = ", ".join(sorted(column.names)[:20])
                raise RecipeError(place, f"no document has the label {sorted(unknown)[0]!r}; there are {known}")
            hit = np.array([n in texts for n in column.names] + [NO_LABEL in texts])
            return hit[column.codes]
        return np.isin(column, np.array([float(v) for v in values if v is not None])) | (
            np.isnan(column) & (None in values)
        )

    def _subset(self, rows: npt.NDArray[np.int64]) -> Pool:
        columns = {
            name: Labels(c.codes[rows], c.names) if isinstance(c, Labels) else c[rows]
            for name, c in self.columns.items()
        }
        return Pool(
            self.ids[rows],
            self.partition[rows],
            self.index[rows],
            self.bytes_[rows],
            self.tokens[rows],
            columns,
        )

    def order_keys(
        self, rows: npt.NDArray[np.int64], copies: npt.NDArray[np.int64] | None, names: Collection[str]
    ) -> OrderKeys:
        """What orders see of the drawn rows: the named columns; the copies of one document get ids of their own."""
        ids = self.ids[rows]
        if copies is not None and copies.any():
            repeated = copies > 0
            ids = ids.copy()
            ids[repeated, 0] = seeds.keys(
                0, "copy", ids=np.column_stack([ids[repeated], copies[repeated].astype(np.uint64)])
            )
        columns = {
            name: Labels(c.codes[rows], c.names) if isinstance(c, Labels) else c[rows]
            for name, c in self.columns.items()
            if name in names
        }
        return OrderKeys(ids=ids, tokens=self.tokens[rows], columns=columns)


def _between(column: Column, bounds: Bounds, place: str) -> npt.NDArray[np.bool_]:
    if isinstance(column, Labels):
        low, high = bounds.min, bounds.max
        hit = np.array(
            [(low is None or n >= str(low)) and (high is None or n <= str(high)) for n in column.names] + [False],
            dtype=bool,
        )
        return hit[column.codes]
    for bound in (bounds.min, bounds.max):
        if isinstance(bound, str):
            raise RecipeError(place, f"got the bound {bound!r} for numbers; write a number")
    low_n = -np.inf if bounds.min is None else float(bounds.min)
    high_n = np.inf if bounds.max is None else float(bounds.max)
    return (column >= low_n) & (column <= high_n)


def of_work(work: Work, names: list[str]) -> Pool:
    """The pool of a run whose partitions are tagged."""
    paths = [work.path("pool", number) for number in work.numbers]
    conditionings = list(work.recipe.conditionings())
    wanted = {*PLACES, *names, *_sizes(map(written_key, conditionings))}

    def read(path: str) -> _Part:
        with storage.open_parquet(path) as file:
            table = file.read([name for name in file.schema_arrow.names if name in wanted], use_threads=False)
        return _columns(table, names)

    made = _joined(storage.each(read, [path for path in paths if storage.exists(path)]), names, conditionings)
    give_back()  # the tables, some times what is made of them
    return made


def _sizes(keys: Iterable[str]) -> list[str]:
    return [f"{of}:{key}" for key in keys for of in ("bytes", "tokens")]


def written_key(conditioning: Conditioning) -> str:
    """Names a conditioning in the pool's tables: its columns are ``bytes:<key>`` and ``tokens:<key>``."""
    return hashlib.sha256(conditioning.model_dump_json().encode()).hexdigest()[:16]


def gather(parts: Iterable[pa.Table], names: list[str], conditionings: Iterable[Conditioning] = ()) -> Pool:
    """One pool of the partitions' tables (POOL, then named columns), of which only ``names`` are held, and what these
    conditionings make of each document."""
    return _joined([_columns(table, names) for table in parts], names, conditionings)


@dataclass(frozen=True)
class _Part:
    """A partition's columns as they are held: places and sizes, and of the named ones numbers and labels."""

    sizes: dict[str, npt.NDArray[Any]]
    numbers: dict[str, npt.NDArray[Any]]
    labels: dict[str, Labels]


def _columns(table: pa.Table, names: Collection[str]) -> _Part:
    sizes = {
        name: id_pairs(table[name]) if name == "id" else table[name].to_numpy()
        for name in table.column_names
        if name in PLACES or name.startswith(("bytes:", "tokens:"))
    }
    part = _Part(sizes, {}, {})
    for name in names:
        if name in table.column_names and name not in ("tokens", "id"):
            column = first_label(table[name])
            if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
                part.numbers[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
            else:
                part.labels[name] = encode(column)
    return part


def _joined(parts: list[_Part], names: list[str], conditionings: Iterable[Conditioning]) -> Pool:
    """Column by column, so that no more than one stands twice. Raises KeyError for a conditioning that was not counted."""

    def sizes(name: str, kind: type) -> npt.NDArray[Any]:
        return np.concatenate([part.sizes.pop(name) for part in parts], dtype=kind, casting="unsafe")

    columns: dict[str, Column] = {}
    for name in names:
        if any(name in part.labels for part in parts):
            columns[name] = _relabelled([part.labels.pop(name) for part in parts])
        elif any(name in part.numbers for part in parts):
            columns[name] = np.concatenate([part.numbers.pop(name) for part in parts], dtype=np.float64)
    keys = [written_key(one) for one in conditionings]
    return Pool(
        ids=sizes("id", np.uint64),
        partition=sizes("partition", np.int32),
        index=sizes("index", np.int32),
        bytes_=sizes("bytes", np.int64),
        tokens=sizes("tokens", np.int64),
        columns=columns,
        written={key: Written(sizes(f"bytes:{key}", np.uint32), sizes(f"tokens:{key}", np.int32)) for key in keys},
    )


def _relabelled(parts: list[Labels]) -> Labels:
    """The partitions' labels by one list of names, sorted."""
    names = sorted({name for part in parts for name in part.names})
    place = {name: number for number, name in enumerate(names)}
    ranks = [np.array([*(place[name] for name in part.names), -1], dtype=np.int32) for part in parts]
    return Labels(np.concatenate([rank[part.codes] for rank, part in zip(ranks, parts, strict=True)]), tuple(names))


def labels_in(table: pa.Table, by: str) -> Labels:
    """The groups of a table's rows by a name, or by several joined by a slash."""
    return crossed([encode(label_texts(table[name])) for name in by.split(SEPARATOR)])


def encode(column: pa.Array | pa.ChunkedArray) -> Labels:
    """Labels of a string column, names in sorted order."""
    column = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    coded = pc.dictionary_encode(column.cast(pa.string()))
    coded = (
        coded.unify_dictionaries().combine_chunks()
        if coded.num_chunks
        else pa.array([], pa.string()).dictionary_encode()
    )
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda i: names[i])
    rank = np.empty(len(names) + 1, dtype=np.int32)
    rank[-1] = -1
    rank[np.array(order, dtype=np.int64)] = np.arange(len(names), dtype=np.int32)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Labels(rank[codes], tuple(names[i] for i in order))
