"""The loss report: what training tells of the last round, `run_id, round, step, eval_index, group, loss, …`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from curation.methods.numbers_table import read_table
from curation.recipes.similar import nearest
from schemas.errors import RecipeError

NEEDED = ("run_id", "round", "step", "eval_index", "group", "loss")
VALID = "valid"
LOSSES = "--losses"
CHECKPOINT = ("round", "step", "eval_index")
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LossReport:
    """The report's rows, and where they came from."""

    table: pl.DataFrame
    path: str
    place: str = LOSSES
    """What names the report: an option, or a field of the recipe."""
    documents: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Its rows that tell of documents: run_id, round, id, loss or correct."""

    def rounds(self) -> int:
        """Rounds that the report tells of: the greatest, from 0, plus 1."""
        last = [table["round"].max() for table in (self.table, self.documents) if "round" in table.columns]
        return int(max((one for one in last if isinstance(one, int | float)), default=-1)) + 1

    def of_split(self, split: str | None = None, *, strict: bool = True) -> LossReport:
        """The rows of one split: the named one, else ``valid`` where there is one, else the only one; all where the report has
        none, or, not ``strict``, where none is to be preferred. Raises RecipeError where the split is not there, or none is to be preferred."""
        if "split" not in self.table.columns:
            if split is not None:
                raise RecipeError(
                    self.place, f"{self.path}: there is no column 'split', and the recipe asks for {split!r}"
                )
            return self
        found = sorted(str(one) for one in self.table["split"].unique().to_list() if one is not None)
        if split is None and VALID not in found and len(found) > 1 and not strict:
            return self
        wanted = split if split is not None else VALID if VALID in found else found[0] if len(found) == 1 else None
        if wanted is None or wanted not in found:
            asked = "none of them is `valid`: name one (split)" if wanted is None else f"{wanted!r} is none of them"
            raise RecipeError(self.place, f"{self.path}: the splits are {', '.join(found) or 'empty'}; {asked}")
        return replace(self, table=self.table.filter(pl.col("split").cast(pl.String) == wanted))

    def until_round(self, number: int) -> LossReport:
        """The rows of a round and of those before it. Raises RecipeError where it has none of its own."""
        if not (self.table["round"] == number).any():
            raise RecipeError(self.place, f"{self.path}: no row of round {number}")
        return replace(self, table=self.table.filter(pl.col("round") <= number))

    def by_checkpoint(
        self,
        column: str,
        groups: Sequence[str],
        *,
        minus: str | None = None,
        missing: float | None = None,
        besides: Sequence[str] = (),
    ) -> Matrix:
        """A column of each evaluation, float64[checkpoints, groups], in the order (round, step, eval_index).

        A group that a checkpoint misses keeps its last value; one that has had none yet counts ``missing``. Several
        rows of a group at a checkpoint (more than one run) are averaged, weighted by ``n_tokens`` where the report has it.
        besides: groups that the report may have too, and that are not asked for. Raises RecipeError for a column or group that
        is not known, a value that is no finite number, and a group that never has a value where ``missing`` is None.
        """
        known = {group: i for i, group in enumerate(groups)}
        others = set(besides) - set(groups)
        if others:
            asked = self.without(others, "group")
            return asked.by_checkpoint(column, groups, minus=minus, missing=missing)
        values = self.numbers(column) - (self.numbers(minus) if minus is not None else 0.0)
        weight = self.weights()
        if not len(values):
            raise RecipeError(self.place, f"{self.path}: no row of the groups {', '.join(groups[:3])}")
        checkpoints = self.table.select(pl.struct(CHECKPOINT).rank("dense").alias("c"))["c"].to_numpy() - 1
        columns = self._indices("group", known)
        shape = (int(checkpoints.max()) + 1, len(groups))
        sums, counts = np.zeros(shape), np.zeros(shape)
        np.add.at(sums, (checkpoints, columns), values * weight)
        np.add.at(counts, (checkpoints, columns), weight)
        result = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
        for row in range(1, len(result)):
            result[row] = np.where(np.isnan(result[row]), result[row - 1], result[row])
        never = np.isnan(result[-1])
        if missing is None and never.any():
            group = groups[int(np.argmax(never))]
            raise RecipeError(self.place, f"{self.path}: no loss of the group {group!r}")
        first = np.argmax(~np.isnan(result), axis=0)
        filled = np.where(never, 0.0 if missing is None else missing, result[first, np.arange(len(groups))])
        return np.where(np.isnan(result), filled if missing is None else missing, result)

    def without(self, groups: Collection[str], *columns: str) -> LossReport:
        """The rows that name none of these groups in these columns."""
        rows = self.table
        for column in columns:
            if column in rows.columns:
                rows = rows.filter(~pl.col(column).is_in(sorted(groups)).fill_null(False))
        return replace(self, table=rows)

    def probe_gains(self, groups: Sequence[str], *, besides: Sequence[str] = ()) -> list[Matrix]:
        """For each round, how much the probe that favours j lowered the loss of i: float64[groups, groups].

        Needs columns probe, ref_loss (before) and loss (after); repeats are averaged. besides: as above, as groups and as
        probes. Raises RecipeError as above, and for a round that lacks a pair.
        """
        others = set(besides) - set(groups)
        if others:
            return self.without(others, "group", "probe").probe_gains(groups)
        known = {group: i for i, group in enumerate(groups)}
        self._column("probe")
        gains = self.numbers("ref_loss") - self.numbers("loss")
        weight = self.weights()
        rounds = self.table["round"].to_numpy()
        index = np.stack([self._indices("group", known), self._indices("probe", known)], axis=1)
        result = []
        for number in np.unique(rounds):
            sums, counts = np.zeros((len(groups),) * 2), np.zeros((len(groups),) * 2)
            mine = rounds == number
            np.add.at(sums, tuple(index[mine].T), gains[mine] * weight[mine])
            np.add.at(counts, tuple(index[mine].T), weight[mine])
            if (counts == 0).any():
                i, j = np.argwhere(counts == 0)[0]
                raise RecipeError(
                    self.place, f"{self.path}: round {number}: no loss of {groups[i]!r} with the probe {groups[j]!r}"
                )
            result.append(sums / counts)
        return result

    def weights(self) -> npt.NDArray[np.float64]:
        """What each row counts in a mean: its tokens, or 1 where the report has none. Raises RecipeError for a negative one."""
        if "n_tokens" not in self.table.columns:
            return np.ones(len(self.table))
        tokens = self.numbers("n_tokens")
        if (tokens < 0).any():
            raise RecipeError(self.place, f"{self.path}: row {int(np.argmax(tokens < 0))}: n_tokens is negative")
        return tokens

    def _indices(self, column: str, known: dict[str, int]) -> npt.NDArray[np.int64]:
        """The place of each row's group: int64[rows]. Raises RecipeError for the first that is unknown."""
        names = self.table[column]
        places = names.cast(pl.String, strict=False).replace_strict(known, default=-1, return_dtype=pl.Int64)
        found = places.fill_null(-1).to_numpy()
        if (found < 0).any():
            row = int(np.argmax(found < 0))
            group = names[row]
            raise RecipeError(
                self.place, f"{self.path}: row {row}: unknown group {group!r}{nearest(str(group), list(known))}"
            )
        return found.astype(np.int64)

    def _column(self, name: str) -> pl.Series:
        if name not in self.table.columns:
            raise RecipeError(self.place, f"{self.path}: this mixture needs a column {name!r}")
        return self.table[name]

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """A column, float64[rows]. Raises RecipeError for one that is not there, and a value that is no finite number."""
        values = self._column(name).cast(pl.Float64, strict=False).to_numpy().astype(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise RecipeError(self.place, f"{self.path}: row {row}: {name} is no finite number")
        return values


def of_documents(path: str, column: str, place: str = LOSSES) -> pl.DataFrame:
    """What a report says of documents: id, round, and value, the mean of ``column`` over a round's rows; by id and round.

    Raises RecipeError for a file that is no such report, and a value that is no finite number.
    """
    report = read_losses(path, place)
    rows = LossReport(report.documents, path, place)
    if not len(rows.table):
        raise RecipeError(place, f"{path}: no row tells of a document: there is no column 'id'")
    values = pl.Series("value", rows.numbers(column))
    keyed = rows.table.select(pl.col("id").cast(pl.String), "round", values)
    return keyed.group_by("id", "round").agg(pl.col("value").mean()).sort("id", "round")


def read_losses(path: str, place: str = LOSSES) -> LossReport:
    """Read JSON lines or Parquet. Raises RecipeError for an unreadable file, a missing column, a loss that is no number."""
    table = read_table(path, place)
    if not len(table):
        raise RecipeError(place, f"{path}: the report has no row")
    documents = pl.DataFrame()
    if "id" in table.columns:
        told = pl.col("id").is_not_null()
        documents, table = table.filter(told), table.filter(~told)
        if len(documents):
            _check_columns(documents, ("run_id", "round"), path, place)
    if len(table) or not len(documents):
        _check_columns(table, NEEDED, path, place)
        losses = table["loss"]
        if losses.dtype.is_numeric():
            sound = losses.cast(pl.Float64).is_finite().fill_null(False).to_numpy()
        else:
            values = losses.to_list()
            sound = np.array([isinstance(one, int | float) and math.isfinite(one) for one in values], dtype=bool)
        if not sound.all():
            raise RecipeError(place, f"{path}: row {int(np.argmin(sound))}: the loss is no finite number")
    return LossReport(table, path, place, documents)


def _check_columns(table: pl.DataFrame, needed: Sequence[str], path: str, place: str) -> None:
    for name in needed:
        if name not in table.columns:
            raise RecipeError(place, f"{path}: no column {name!r}; it has {', '.join(table.columns)}")
