"""From a pool to a plan and a schedule; what the recipe's names ask of the pool, and what is left unscheduled."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.methods import orders, selectors
from curation.methods.formatters.chat_template import check_template
from curation.methods.losses import LossReport
from curation.methods.mixers import Sizes
from curation.methods.tags import pool_wide_tags
from curation.mixture import plan as plan_stage
from curation.mixture.inherited import conditioning_of
from curation.mixture.plan import Feedback
from curation.mixture.pool import Pool, gather, of_work
from curation.mixture.schedule import Schedule, held_out, schedule
from curation.recipes.similar import nearest
from curation.releases.drawn import drawn_before
from curation.releases.home import Home
from curation.releases.work import Work
from curation.training import encoder
from curation.training.tokens import special_ids
from schemas.errors import RecipeError
from schemas.formatters import Chat
from schemas.mixers import Mixture, Pools
from schemas.orders import POOL, ByScore
from schemas.phases import Phase
from schemas.phases import Pool as PoolFilter
from schemas.plan import Plan, PlannedPhase
from schemas.recipe import BUILT_IN_NAMES, Recipe
from schemas.schedules import Amounts, Levels, NotebookRounds, Rounds, SkillCurriculum, Stream, TaskStream
from schemas.work import Prepared

BY_LABEL = (Levels, SkillCurriculum, TaskStream, Stream, Amounts, NotebookRounds)
"""Schedules whose `by` makes groups; that of others is a score."""


def plan_and_schedule(recipe: Recipe, pool: Pool, feedback: Feedback) -> tuple[Plan, Schedule]:
    """The plan of a pool and its training order. Raises RecipeError with the place."""
    made = plan_of_pool(recipe, pool, feedback)
    return made, schedule(pool, made, seed=recipe.seed)


def plan_of_pool(recipe: Recipe, pool: Pool, feedback: Feedback) -> Plan:
    """The plan alone: phases, weights, budgets."""
    trained = trained_on(recipe, pool)
    plan = plan_stage.plan(recipe, groups_in(recipe, pool, trained), feedback)
    told = [replace(one, notes=(*one.notes, *_unscored(one, trained, recipe.seed))) for one in plan.phases]
    return replace(plan, phases=tuple(told))


def trained_on(recipe: Recipe, pool: Pool) -> Pool:
    """The pool without what evaluations hold out."""
    return pool.without(held_out(pool, plan_stage.evaluations(recipe), recipe.seed))


def groups_in(recipe: Recipe, pool: Pool, trained: Pool) -> plan_stage.Groups:
    """What planning may ask of a pool. trained: without what evaluations hold out."""

    def sizes_of(phase: Phase, place: str, by: str | None) -> Sizes:
        from_ = pool if phase.evaluation else trained
        mask = from_.mask(phase.pool, seed=recipe.seed, phase=phase.name, place=place)
        return pool.sizes(by, mask, pool.tokens_in(conditioning_of(phase, recipe)))

    def means(filters: PoolFilter, by: str, score: str) -> dict[str, float]:
        mask = trained.mask(filters, seed=recipe.seed, phase="means", place="phases")
        return pool.means(by, score, mask)

    return plan_stage.Groups(sizes_of, means)


def _unscored(phase: PlannedPhase, pool: Pool, seed: int) -> list[str]:
    """Documents without a value that the phase's selectors or its order ask for, and selectors that find too few."""
    said = list(pool.notes(phase.pool, seed=seed, phase=phase.name, place=phase.place))
    if isinstance(phase.order, ByScore):
        rows = pool.mask(phase.pool, seed=seed, phase=phase.name, place=phase.place)
        lacking = pool.without_value(phase.order.by, rows, f"{phase.place}.order.by")
        if lacking is not None:
            said.append(f"{lacking}: order.by puts them last")
    return said


def feedback_of(losses: LossReport | None, before: dict[str, Any] | None) -> Feedback:
    """What a run may follow: the loss report, and the weights of the last release's manifest, by `by` and label."""
    phases = before["phases"] if before is not None else []
    return Feedback(losses, {phase["by"]: phase["weights"] for phase in phases if phase.get("by") is not None})


def group_names(recipe: Recipe) -> set[str]:
    """Names that mixtures group by."""
    names = {"source"}
    for mixture in [recipe.mixture, *(getattr(phase, "mixture", None) for phase in recipe.phases)]:
        if mixture is not None and not isinstance(mixture, str):
            names |= set(mixture.names())
    names |= {phase.by for phase in recipe.phases if isinstance(phase, BY_LABEL)}
    return names


def names_needed(recipe: Recipe) -> list[str]:
    """Columns that plan and schedule read: what mixtures, filters, selectors and sort keys name."""
    known = {*BUILT_IN_NAMES, *recipe.tag_names()}
    plain = [
        recipe.model_dump(include={"mixture"}),
        *(one.model_dump(exclude={"conditioning"}) for one in recipe.phases),
    ]
    return sorted((group_names(recipe) | _strings(plain)) & known)


def check_names(recipe: Recipe) -> None:
    """Raises RecipeError for a `by` or a template that names neither a declared tag nor a built-in name, for a token
    to pack with that the tokenizer does not have, and for a chat template that is none."""
    if recipe.shards.sequence_length is not None and recipe.shards.tokenizer is not None:
        special_ids(recipe.shards.tokenizer, recipe.shards.packs)
    for written in recipe.conditionings():
        if isinstance(written, Chat):
            tokenizer = recipe.shards.tokenizer
            check_template(written, None if tokenizer is None else encoder.load(tokenizer).library.id_of)
    known = {*BUILT_IN_NAMES, *recipe.tag_names()}
    spots: list[tuple[str, list[str]]] = []
    if recipe.dedup.keeps_by is not None:
        spots.append(("dedup.keep.by", [recipe.dedup.keeps_by.by]))
        if recipe.dedup.keeps_by.by in pool_wide_tags(recipe.tags):
            raise RecipeError(
                "dedup.keep.by",
                f"{recipe.dedup.keeps_by.by!r} is fitted to the pool, which duplicates are not yet out of; name another value",
            )
    if recipe.mixture is not None:
        spots += _grouped_by(recipe.mixture, "mixture")
    if recipe.conditioning is not None:
        spots.append(("conditioning", recipe.conditioning.names()))
    for number, phase in enumerate(recipe.phases):
        place = f"phases[{number}]"
        mixture, conditioning = getattr(phase, "mixture", None), getattr(phase, "conditioning", None)
        if mixture is not None and not isinstance(mixture, str):
            spots += _grouped_by(mixture, f"{place}.mixture")
        if conditioning is not None and not isinstance(conditioning, str):
            spots.append((f"{place}.conditioning", conditioning.names()))
        for field in ("by", "score"):
            if isinstance(getattr(phase, field, None), str):
                spots.append((f"{place}.{field}", [getattr(phase, field)]))
        pools = {"pool": phase.pool}
        if isinstance(phase, Rounds):
            pools |= {"later": phase.later} if phase.later is not None else {}
            pools |= {"parts": PoolFilter(select=[phase.parts])} if phase.parts is not None else {}
        for field, pool in pools.items():
            spots.append((f"{place}.{field}.where", list(pool.where)))
            for index, selector in enumerate(pool.select):
                where = f"{place}.{field}" if field == "parts" else f"{place}.{field}.select[{index}]"
                spots += [(f"{where}.{of}", [name]) for of, name in selectors.names_of(selector).items()]
                spots.append((f"{where}.within", list(selector.within)))
        pooled = isinstance(phase, Stream) or isinstance(recipe.mixture if mixture == "inherit" else mixture, Pools)
        spots += [
            (f"{place}.order.{field}", [name])
            for field, name in orders.names_of(phase.order).items()
            if not (pooled and name == POOL)
        ]
    for place, names in spots:
        for name in names:
            if name not in known:
                raise RecipeError(place, f"names {name!r}, which is no declared tag{nearest(name, sorted(known))}")


def _grouped_by(mixture: Mixture, place: str) -> list[tuple[str, list[str]]]:
    """The names that each level of a mixture groups by, with their places."""
    return [
        (f"{place}{'.inside' * depth}.by", [level.by] if isinstance(level.by, str) else level.by)
        for depth, level in enumerate(mixture.levels())
    ]


def _strings(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {s for k, v in value.items() for s in (_strings(v) | _strings(k))}
    if isinstance(value, list | tuple):
        return {s for v in value for s in _strings(v)}
    return set()


def check_columns(work: Work) -> None:
    """Raises RecipeError for a source without one usable file, or a tag's column that no input file has."""
    recipe = work.recipe
    usable: set[str] = set()
    for part, name in zip(work.parts, work.of_source, strict=True):
        if any(one.fault is None or one.documents for one in part.read):
            usable.add(name)
    usable |= {file.source for file in work.inputs if file.same_as is not None}
    for number, source in enumerate(recipe.sources):
        if source.name not in usable:
            raise RecipeError(
                f"sources[{number}]",
                f"source {source.name!r} is left without a readable file. {_reasons(work, source.name)}",
            )
    found = {column for part in work.parts for column in part.columns}
    readers: dict[str, object] = {f"tags.{name}.column": tag for name, tag in recipe.tags.items()}
    readers["dedup.semantic.embedding"] = recipe.dedup.semantic
    readers["shards.token_columns"] = recipe.shards
    for place, reader in readers.items():
        for column in getattr(reader, "input_columns", dict)():
            if column not in found and any(part.documents for part in work.parts):
                raise RecipeError(place, f"no input file has a column {column!r}")


REASONS = 3


def why_nothing(work: Work) -> str:
    """Why no document was read: the first reasons, each with its file."""
    said = _reasons(work)
    if not said:
        return f"all {len(work.inputs):,} input files are empty; see the sources' paths"
    return f"every input file is empty or was set aside. {said}"


def _reasons(work: Work, source: str | None = None) -> str:
    """The first reasons why files were set aside, or rows of them, each with its file; of one source, or of all."""
    files = [file for file in work.inputs if source in (None, file.source)]
    said = {file.path: f"{file.path}: {file.fault}" for file in files if file.fault}
    for partition, part, name in zip(work.partitions, work.parts, work.of_source, strict=True):
        if source not in (None, name):
            continue
        paths = [work.inputs[one.input].path for one in partition.slices]
        for path, read in zip(paths, part.read, strict=True):
            if read.fault is not None:
                said.setdefault(path, f"{path}: {read.fault}")
        for number, row, reason in part.reasons:
            said.setdefault(paths[number], f"{paths[number]}, row {row}: {reason}")
    more = f"; and {len(said) - REASONS:,} more files" if len(said) > REASONS else ""
    return f"{'; '.join([*said.values()][:REASONS])}{more}"


def pool_of(work: Work) -> Pool:
    """The pool of a run whose partitions are tagged, with the columns that its recipe plans by."""
    made = of_work(work, names_needed(work.recipe))
    return _with_drawn(made, work.recipe)


def _with_drawn(pool: Pool, recipe: Recipe) -> Pool:
    """With what earlier releases drew, where a phase is to draw something else."""
    if not any(getattr(entry, "fresh", False) for entry in recipe.phases):
        return pool
    return replace(pool, drawn=drawn_before(Home(storage.join(recipe.output, recipe.name)), pool.ids))


def pool_of_release(release: str, recipe: Recipe) -> Pool:
    """The pool that a release was planned from, which the recipe would give too."""
    folder = storage.join(release, "pool")
    tables = [
        read_table(storage.join(folder, name)) for name in storage.list_folder(folder) if name.endswith(".parquet")
    ]
    try:
        return _with_drawn(gather(tables, names_needed(recipe), recipe.conditionings()), recipe)
    except KeyError:
        raise RecipeError(
            "conditioning", f"the pool of {release} was not counted as this recipe writes it, and there is nothing new"
        ) from None


def read_table(path: str) -> pa.Table:
    """A small Parquet table whole."""
    with storage.open_read(path) as stream:
        return pq.read_table(stream)


def seconds_of(parts: list[Prepared]) -> dict[str, float]:
    """Seconds of *prepare* by step, added over the partitions (of all workers)."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update({f"prepare.{name}": seconds for name, seconds in part.seconds.items()})
    return dict(total)
