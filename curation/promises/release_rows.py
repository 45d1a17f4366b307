"""What promises read of a release: the rows of its phases, a few columns at a time, and its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curation import storage
from curation.arrays.document_ids import id_words
from schemas.filters import Bounds, Filter

NO_LABEL = "(none)"


class Broken(Exception):
    """A promise that cannot hold: a phase or a column that it names is not there."""


class ReleaseRows:
    """The rows of a release; but for ``tokens`` and ``ids`` of one whose shards hold a document a row. manifest: as plain data; folder: where the release stands."""

    def __init__(self, folder: str, manifest: Mapping[str, Any]):
        self.folder = folder
        self.manifest = manifest
        self.files: dict[str, list[str]] = {}
        for file in [*manifest["shards"], *manifest.get("evaluation", [])]:
            self.files.setdefault(file["phase"], []).append(file["path"])
        self.trained = list(dict.fromkeys(shard["phase"] for shard in manifest["shards"]))

    def phases(self, named: Sequence[str] | None) -> list[str]:
        """The phases that names mean, in training order; null: all that are trained on. Raises Broken for a name that means none."""
        if named is None:
            return self.trained
        chosen: list[str] = []
        for name in named:
            meant = [one for one in self.files if one == name or (name.endswith("*") and one.startswith(name[:-1]))]
            if not meant:
                raise Broken(f"there is no phase {name!r}; there are {', '.join(self.files)}")
            chosen += meant
        return [one for one in self.files if one in chosen]

    def chunks(self, phase: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Rows of a phase in training order, a row group at a time. Raises Broken for a column that shards lack."""
        for path in self.files[phase]:
            url = storage.join(self.folder, path)
            with storage.open_parquet(url) as file:
                lacking = [name for name in columns if name not in file.schema_arrow.names]
                if lacking:
                    raise Broken(f"the shards have no column {lacking[0]!r}")
                for group in range(file.num_row_groups):
                    yield frame_of(file.read_row_group(group, columns=list(dict.fromkeys(columns)), use_threads=False))

    def rows(self, phase: str, columns: Sequence[str], where: Mapping[str, Filter] | None = None) -> pl.DataFrame:
        """Rows of a phase that match filters, in training order. Ids come as numbers of 64 bits, strings as categories."""
        asked = list(dict.fromkeys([*columns, *(where or {})]))
        parts = []
        for chunk in self.chunks(phase, asked):
            kept = matching(chunk, where or {}).select(*dict.fromkeys(columns))
            if "id" in kept.columns:
                kept = kept.with_columns(id_numbers(kept["id"]))
            parts.append(kept.with_columns(pl.selectors.string().cast(pl.Categorical)))
        return pl.concat(parts)

    def is_packed(self, phase: str) -> bool:
        """Whether its rows are packed sequences; an evaluation's never are."""
        shards = self.manifest.get("recipe", {}).get("shards", {})
        return shards.get("sequence_length") is not None and phase in self.trained

    def tokens(self, phase: str) -> int:
        """What a phase holds; of packed rows the tokens in documents' spans, begin and end among them."""
        if not self.is_packed(phase):
            return int(self.rows(phase, ["tokens"])["tokens"].sum())
        length = pl.element().struct.field("end") - pl.element().struct.field("start")
        chunks = self.chunks(phase, ["doc_spans"])
        return sum(int(chunk["doc_spans"].list.eval(length).list.sum().sum()) for chunk in chunks)

    def ids(self, phase: str, where: Mapping[str, Filter] | None = None) -> npt.NDArray[np.uint64]:
        """The different documents of a phase, as numbers of 64 bits, ascending."""
        if not self.is_packed(phase):
            return np.unique(self.rows(phase, ["id"], where)["id"].to_numpy())
        found = [id_numbers(chunk["doc_ids"].explode()).unique() for chunk in self.chunks(phase, ["doc_ids"])]
        return np.unique(pl.concat(found).to_numpy())

    def labels(self, phase: str, by: str, columns: Sequence[str] = ()) -> pl.DataFrame:
        """As `rows`, with the column `by` as ``label``: strings, rows without a value under ``(none)``."""
        frame = self.rows(phase, [by, *columns])
        return frame.select(label_of(frame, by), *(name for name in columns if name != by))

    def pool(self, by: str) -> dict[str, dict[str, int]]:
        """Documents and tokens of the pool by label. Raises Broken where the manifest has no such groups."""
        groups = self.manifest["groups"]
        if by in groups:
            return dict(groups[by])
        inside = [name for name in groups if name.startswith(f"{by}/")]
        if not inside:
            raise Broken(f"the manifest says nothing of the pool by {by!r}; it does by {', '.join(groups)}")
        sums: dict[str, dict[str, int]] = {}
        for label, amount in groups[inside[0]].items():
            mine = sums.setdefault(label.split("/")[0], {"documents": 0, "tokens": 0})
            for unit in mine:
                mine[unit] += amount[unit]
        return sums


def frame_of(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as Polars has it."""
    made = pl.from_arrow(table)
    assert isinstance(made, pl.DataFrame)
    return made


def id_numbers(ids: pl.Series) -> pl.Series:
    """The first 64 of an id's 128 bits: UInt64[n]."""
    return pl.Series("id", np.ascontiguousarray(id_words(ids.to_arrow())[:, 0]))


def label_of(frame: pl.DataFrame, by: str) -> pl.Series:
    """A column as labels: String[n]; numbers as the recipe writes them (2, not 2.0)."""
    column = frame[by]
    if column.dtype.is_float():
        values = column.drop_nulls().unique()
        column = column.replace_strict(values, [f"{value:g}" for value in values], return_dtype=pl.String, default=None)
    return column.cast(pl.String).fill_null(NO_LABEL).rename("label")


def matching(frame: pl.DataFrame, where: Mapping[str, Filter]) -> pl.DataFrame:
    """The rows that match filters, as a pool's `where` takes them."""
    for name, wanted in where.items():
        column = frame[name]
        number = column.dtype.is_numeric()
        if isinstance(wanted, Bounds):
            hit = pl.lit(True)
            for bound, within in ((wanted.min, pl.Expr.ge), (wanted.max, pl.Expr.le)):
                if bound is not None:
                    hit = hit & within(pl.col(name), _numbers([bound], name)[0] if number else str(bound))
        else:
            values = wanted if isinstance(wanted, list) else [wanted]
            given = [value for value in values if value is not None]
            texts = [f"{value:g}" if isinstance(value, float) else str(value) for value in given]
            hit = pl.col(name).cast(pl.Float64).is_in(_numbers(given, name)) if number else pl.col(name).is_in(texts)
            if None in values:
                hit = hit | pl.col(name).is_null()
        frame = frame.filter(hit.fill_null(False))
    return frame


def _numbers(values: Sequence[object], name: str) -> list[float]:
    try:
        return [float(str(value)) for value in values]
    except ValueError:
        raise Broken(f"column {name!r} holds numbers; its filter does not") from None


def share_of(part: float, whole: float) -> float:
    """A part of a whole, 0 of nothing."""
    return part / whole if whole else 0.0
