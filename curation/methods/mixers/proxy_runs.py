"""Runs of proxy models as a table: the mixture of each over today's groups, and its losses.

Either a table that has both, a column a group and a column a loss, as the authors of RegMix and Olmix publish theirs; or the loss
report of a swarm's runs, beside ``swarm.parquet``, which knows their weights.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from curation.methods.losses import CHECKPOINT, read_losses
from curation.methods.mixers.types import Sizes
from curation.methods.numbers_table import read_numbers
from curation.recipes.similar import nearest
from schemas.errors import RecipeError
from schemas.mixers import Proxied

Matrix = npt.NDArray[np.float64]
LOSS = "loss_"
"""Before the name of a group, where a target is its loss in a report."""


def read_runs(
    path: str, sizes: Sizes, targets: Iterable[str], params: Proxied, place: str, field: str = "runs"
) -> tuple[Matrix, Matrix]:
    """Mixtures float64[runs, g] and losses float64[runs, targets] of the file that ``field`` of a mixture names.

    place: the mixture's. Raises RecipeError naming the file and the column, row or run that is missing or no number.
    """
    targets = list(targets)
    columns = sizes.columns()
    needed = list(params.regrouped)
    came = {label for old in needed for label in _listed(params.regrouped[old])}
    strangers = sorted(came - set(columns))
    if strangers:
        raise RecipeError(
            f"{place}.regrouped", f"no document has the label {strangers[0]!r}{nearest(strangers[0], columns)}"
        )
    given = [*(one for one in columns if one not in came), *needed]
    also = [one for one in columns if one in came and one not in needed]
    if params.swarm is None:
        table = read_numbers(path, f"{place}.{field}", numbers=(*given, *targets), also=also)
    else:
        table = _of_swarm(path, params.swarm, given, also, targets, place, field)
    held = dict(zip(columns, _held(sizes), strict=True))
    there = {one for one in table.columns if one not in needed}
    weights = {one: table[one].to_numpy() if one in there else np.zeros(len(table)) for one in columns}
    for old in needed:
        new = _listed(params.regrouped[old])
        total = sum(held[label] for label in new)
        for label in new:
            weights[label] = weights[label] + table[old].to_numpy() * (held[label] / total if total else 1 / len(new))
    return sizes.mixtures(pl.DataFrame(weights)), table.select(targets).to_numpy()


def _listed(labels: str | list[str]) -> list[str]:
    return [labels] if isinstance(labels, str) else labels


def _held(sizes: Sizes) -> list[float]:
    """What each group holds, in the order of ``columns``."""
    held: list[float] = []
    for label, own in zip(sizes.labels, sizes.held, strict=True):
        held += list(sizes.merged[label].held) if label in sizes.merged else [float(own)]
    return held


def _of_swarm(
    path: str, swarm: str, groups: list[str], also: list[str], targets: list[str], place: str, field: str
) -> pl.DataFrame:
    """A row a run that the report tells of: its weights, of ``also`` those that there are, and its last losses."""
    weights = read_numbers(swarm, f"{place}.swarm", texts=("release", "group"), numbers=("run", "weight"))
    wide = weights.pivot(on="group", index=["run", "release"], values="weight", aggregate_function="first")
    groups = [*groups, *(one for one in also if one in wide.columns)]
    for group in groups:
        if group not in wide.columns:
            raise RecipeError(f"{place}.swarm", f"{swarm}: no group {group!r}{nearest(group, wide.columns[2:])}")
        missing = wide.filter(pl.col(group).is_null())
        if len(missing):
            raise RecipeError(f"{place}.swarm", f"{swarm}: run {missing['run'][0]:.0f} has no weight of {group!r}")
    losses = _last_losses(path, targets, f"{place}.{field}")
    names = wide.with_columns(pl.col("run").cast(pl.Int64).cast(pl.String))
    known = pl.concat([names.with_columns(pl.col(one).alias("run_id")) for one in ("run", "release")])
    strangers = losses.join(known, on="run_id", how="anti")
    if len(strangers):
        raise RecipeError(
            f"{place}.{field}", f"{path}: run_id {strangers['run_id'][0]!r} is no run, and no release, of {swarm}"
        )
    both = losses.join(known.select("run_id", *groups), on="run_id", maintain_order="left")
    return both.select(*groups, *targets)


def _last_losses(path: str, targets: list[str], place: str) -> pl.DataFrame:
    """A row a run, in order of ``run_id``: the losses of its last evaluation, means weighted by ``n_tokens`` where there are any."""
    for target in targets:
        if not target.startswith(LOSS):
            raise RecipeError(place, f"with swarm, a target is {LOSS}GROUP, a group of the report; got {target!r}")
    report = read_losses(path, place).of_split()
    losses, weights = report.numbers("loss"), report.weights()
    table = report.table.select(
        *CHECKPOINT,
        pl.col("run_id").cast(pl.String),
        pl.col("group").cast(pl.String),
        pl.Series("sum", losses * weights),
        pl.Series("weight", weights),
    )
    last = table.filter(pl.struct(CHECKPOINT).rank("dense", descending=True).over("run_id", "group") == 1)
    means = last.group_by("run_id", "group").agg((pl.col("sum").sum() / pl.col("weight").sum()).alias("loss"))
    wide = means.pivot(on="group", index="run_id", values="loss").sort("run_id")
    for target in targets:
        group = target.removeprefix(LOSS)
        if group not in wide.columns:
            raise RecipeError(place, f"{path}: no loss of a group {group!r}{nearest(group, wide.columns[1:])}")
        missing = wide.filter(pl.col(group).is_null())
        if len(missing):
            raise RecipeError(place, f"{path}: run {missing['run_id'][0]!r} has no loss of {group!r}")
    return wide.select("run_id", *(pl.col(target.removeprefix(LOSS)).alias(target) for target in targets))
