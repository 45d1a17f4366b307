"""Releases with a fault put in on purpose: one for each check, so that a promise can be seen to fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from curation import storage
from curation.promises import kept
from curation.promises.release_rows import ReleaseRows, label_of, matching
from schemas import promises as models
from schemas.filters import Bounds

Phases = dict[str, pl.DataFrame]


def _looked_at(release: ReleaseRows, promise: models.Promise) -> list[str]:
    named = [*promise.sizes] if isinstance(promise, models.Sizes) else promise.phases
    return release.phases(named)


def half_is_lost(phases: Phases, promise: models.Sizes, looked: list[str]) -> None:
    phases[looked[0]] = phases[looked[0]][::2]


def none_matches_or_all(phases: Phases, promise: models.ShareOfPhase, looked: list[str]) -> None:
    frame = phases[looked[0]]
    if promise.share or promise.min:
        phases[looked[0]] = frame.join(matching(frame, promise.where).select("position"), on="position", how="anti")
        return
    for name, wanted in promise.where.items():
        values = (
            [wanted.min, wanted.max] if isinstance(wanted, Bounds) else wanted if isinstance(wanted, list) else [wanted]
        )
        value = next(one for one in values if one is not None)
        phases[looked[0]] = phases[looked[0]].with_columns(pl.lit(value).cast(frame[name].dtype).alias(name))


def a_label_is_lost(phases: Phases, promise: models.MixtureOfPhase, looked: list[str]) -> None:
    frame = phases[looked[0]]
    common = label_of(frame, promise.by).value_counts(sort=True)["label"][0]
    phases[looked[0]] = frame.filter(label_of(frame, promise.by) != common)


def order_is_reversed(phases: Phases, promise: models.Promise, looked: list[str]) -> None:
    phases[looked[0]] = phases[looked[0]].reverse()


def groups_stand_otherwise(phases: Phases, promise: models.Batches | models.Neighbours, looked: list[str]) -> None:
    together = bool(promise.largest) if isinstance(promise, models.Batches) else promise.max < 1
    frame = phases[looked[0]]
    phases[looked[0]] = frame.sort(pl.col("id").hash(7)) if together else frame.sort(promise.by)


def loss_is_turned(phases: Phases, promise: models.Segments, looked: list[str]) -> None:
    turned = pl.element().struct.with_fields(loss=~pl.field("loss"))
    phases[looked[0]] = phases[looked[0]].with_columns(pl.col(promise.column).list.eval(turned))


def something_else_is_written(phases: Phases, promise: models.Written, looked: list[str]) -> None:
    text = "-" if promise.share else (promise.pattern or promise.begins or promise.holds or "").split("|")[0]
    phases[looked[0]] = phases[looked[0]].with_columns(pl.lit(text).alias(promise.column))


def phases_are_alike_or_not(phases: Phases, promise: models.Overlap, looked: list[str]) -> None:
    first, second = looked[:2]
    if promise.documents == "same":
        lost = matching(phases[second], promise.where).head(1)
        phases[second] = phases[second].join(lost.select("position"), on="position", how="anti")
    else:
        phases[second] = phases[first]


def a_document_comes_again(phases: Phases, promise: models.Repeats, looked: list[str]) -> None:
    name = next(one for one in looked if len(matching(phases[one], promise.where)))
    frame = phases[name]
    phases[name] = pl.concat([frame, *[matching(frame, promise.where).head(1)] * ((promise.most or 1) + 1)])


def a_low_step_comes_again(phases: Phases, promise: models.CopiesByStep, looked: list[str]) -> None:
    frame = phases[looked[0]]
    lowest = frame.filter(pl.col(promise.by) == frame[promise.by].min())
    phases[looked[0]] = pl.concat([frame, *[lowest] * 500])


def labels_are_others(phases: Phases, promise: models.Labels, looked: list[str]) -> None:
    frame = phases[looked[-1]]
    number = frame[promise.by].dtype.is_numeric()
    others = pl.Series(promise.by, ([96, 97, 98, 99] if number else ["w", "x", "y", "z"]) * len(frame))[: len(frame)]
    phases[looked[-1]] = frame.with_columns(others.cast(frame[promise.by].dtype))


def all_have_one_label(phases: Phases, promise: models.PerLabel, looked: list[str]) -> None:
    phases[looked[0]] = phases[looked[0]].with_columns(pl.col(promise.by).first())


def scores_are_turned(phases: Phases, promise: models.Outranks, looked: list[str]) -> None:
    for name, frame in phases.items():
        phases[name] = frame.with_columns(-pl.col(promise.by))


def columns_are_a_token_late(phases: Phases, promise: models.TokenColumn, looked: list[str]) -> None:
    """Each document's values stand beside the token before; the last has none."""
    frame = phases[looked[0]]
    kind = frame.schema[promise.column].inner  # type: ignore[attr-defined]
    late = [None if one is None else [*one[1:], [0] * len(one[0])] for one in frame[promise.column].to_list()]
    phases[looked[0]] = frame.with_columns(pl.Series(promise.column, late, dtype=pl.List(kind)))


MUTATIONS: dict[type, Callable[..., None]] = {
    models.Batches: groups_stand_otherwise,
    models.CopiesByStep: a_low_step_comes_again,
    models.Labels: labels_are_others,
    models.MixtureOfPhase: a_label_is_lost,
    models.Neighbours: groups_stand_otherwise,
    models.Outranks: scores_are_turned,
    models.Overlap: phases_are_alike_or_not,
    models.PerLabel: all_have_one_label,
    models.Repeats: a_document_comes_again,
    models.Segments: loss_is_turned,
    models.ShareOfPhase: none_matches_or_all,
    models.Sizes: half_is_lost,
    models.SortedBy: order_is_reversed,
    models.TokenColumn: columns_are_a_token_late,
    models.Windows: order_is_reversed,
    models.Written: something_else_is_written,
}
"""Of rows. Weights and what is left out stand in manifest and ledger."""


def caught(folder: str, manifest: dict[str, Any], promise: models.Promise, scratch: Path) -> bool:
    """Whether a promise that a release holds is said to be broken where the release has a fault of its kind."""
    changed: dict[str, Any] = json.loads(json.dumps(manifest))
    release = ReleaseRows(folder, manifest)
    phases = {
        name: pl.concat([pl.read_parquet(storage.join(folder, path)) for path in paths])
        for name, paths in release.files.items()
    }
    looked = _looked_at(release, promise)
    if isinstance(promise, models.Weights):
        for phase in changed["phases"]:
            weights = phase["weights"]
            ranked = sorted(weights, key=lambda label: weights[label])
            weights[ranked[0]], weights[ranked[-1]] = weights[ranked[-1]] + 0.1, weights[ranked[0]]
    elif isinstance(promise, models.LeftOut):
        dropped = pl.read_parquet(f"{folder}/dropped/{promise.stage}/*.parquet")
        (scratch / "dropped" / promise.stage).mkdir(parents=True, exist_ok=True)
        dropped.write_parquet(scratch / "dropped" / promise.stage / "0.parquet")
        frame = phases[looked[0]]
        phases[looked[0]] = frame.with_columns(
            id=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(dropped["id"][0])).otherwise(pl.col("id"))
        )
    else:
        MUTATIONS[type(promise)](phases, promise, looked)
    changed["evaluation"] = []
    changed["shards"] = []
    for name, frame in phases.items():
        frame.write_parquet(scratch / f"{name}.parquet")
        part = "shards" if name in release.trained else "evaluation"
        changed[part].append({"phase": name, "path": f"{name}.parquet"})
    (result,) = kept(str(scratch), changed, [promise])
    return not result.holds and bool(result.faults)
