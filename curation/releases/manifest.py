"""The manifest: every count added up and checked, so that no release is ever published that does not hold."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from curation.mixture.pool import Pool
from curation.mixture.schedule import Totals
from curation.recipes.recipe_file import canonical, digest
from curation.releases.work import Work
from schemas.errors import RunError
from schemas.manifest import Amount, Edit, FunnelStage, Manifest, PhaseRecord, Shard, SideFile
from schemas.manifest import Input as InputRecord
from schemas.plan import Plan
from schemas.presets import PRESETS
from schemas.recipe import Recipe
from schemas.tables import STAGES
from schemas.work import Input, WrittenShard

MAX_REASONS = 10_000
"""Bad rows that the manifest names one by one; all are counted."""

PACKAGES = ("prefect", "polars", "pyarrow", "numpy", "numba", "datasketch", "fasttext-wheel", "pydantic", "fsspec")


OF_WARC = ("fastwarc", "resiliparse")


def software(formats: Collection[str] = ()) -> dict[str, Any]:
    """Versions of ours, Python and the packages that results depend on. formats: of the input files."""
    packages = (*PACKAGES, *OF_WARC) if "warc" in formats else PACKAGES
    return {
        "version": importlib.metadata.version("syllabus"),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


def content_key(recipe: Recipe, inputs: list[Input], besides: list[str]) -> str:
    """What decides a release: recipe, the set of input contents by source, our version. 64 hex digits."""
    contents = sorted({_content(file) for file in inputs if file.same_as is None and not file.fault})
    what = [digest(recipe), contents, importlib.metadata.version("syllabus"), besides]
    return hashlib.sha256(canonical(what).encode()).hexdigest()


def _content(file: Input) -> tuple[str, ...]:
    """What a file is to a release: its bytes, and where it stands if that is a tag of its document."""
    return (file.source, file.fingerprint, file.place) if file.place else (file.source, file.fingerprint)


def pool_key(
    recipe: Recipe,
    inputs: list[Input],
    benchmarks: tuple[tuple[str, str], ...],
    sides: Sequence[SideFile],
    parent: str | None,
) -> str:
    """What decides a pool, and how its documents are counted: all of a recipe that stands before its phases, and the ways
    in which these write. 64 hex digits. sides: of the recipe, of which those of mixtures and
    schedules decide no pool; parent: the release before, for history."""
    plain = recipe.resolved()
    what = [
        {name: plain[name] for name in ("seed", "sources", "clean", "dedup", "decontaminate", "tags")},
        [one.model_dump(mode="json") for one in recipe.conditionings()],
        recipe.shards.tokenizer,
        sorted({_content(file) for file in inputs if file.same_as is None and not file.fault}),
        importlib.metadata.version("syllabus"),
        [digest for _, digest in benchmarks],
        [one.sha256 for one in sides if not one.used_by.startswith(("mixture.", "phases["))],
        parent if recipe.dedup.history else None,
    ]
    return hashlib.sha256(canonical(what).encode()).hexdigest()


def stages_used(recipe: Recipe) -> list[str]:
    """The funnel's stages for a recipe, in order."""
    used = {
        "read": True,
        "language": recipe.clean.language is not None,
        "rules": bool(recipe.clean.rules),
        "classifier": recipe.clean.classifier is not None,
        "pii": recipe.clean.pii.active,
        "exact": bool(recipe.dedup.exact),
        "minhash": recipe.dedup.drops_alike,
        "paragraphs": recipe.dedup.paragraphs is not None,
        "substrings": recipe.dedup.substrings is not None,
        "history": recipe.dedup.history,
        "decontaminate": recipe.decontaminate is not None,
        "schedule": True,
    }
    return [stage for stage in STAGES if used[stage]]


def funnel(recipe: Recipe, read: int, dropped: dict[str, dict[str, int]]) -> list[FunnelStage]:
    """Counts of every stage used. Raises RunError where a stage dropped that the recipe does not use."""
    stages = stages_used(recipe)
    stray = sorted(stage for stage, rules in dropped.items() if sum(rules.values()) and stage not in stages)
    if stray:
        raise RunError(stray[0], "documents were dropped by a stage that the recipe does not use")
    made, left = [], read
    for stage in stages:
        rules = {rule: n for rule, n in sorted(dropped.get(stage, {}).items()) if n}
        out = left - sum(rules.values())
        made.append(FunnelStage(stage=stage, **{"in": left}, out=out, dropped=rules))
        left = out
    return made


def add_drops(*counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Counts by stage and rule, added."""
    total: dict[str, Counter[str]] = {}
    for one in counts:
        for stage, rules in one.items():
            total.setdefault(stage, Counter()).update(rules)
    return {stage: dict(rules) for stage, rules in total.items()}


def assemble(
    recipe: Recipe,
    *,
    release: str,
    created: str,
    key: str,
    pool_key: str,
    parent: str | None,
    work: Work,
    dropped: dict[str, dict[str, int]],
    ledger: dict[str, dict[str, int]],
    edits: list[tuple[str, str, int, int]],
    groups: dict[str, dict[str, Amount]],
    plan: Plan,
    scheduled: Totals,
    shards: list[WrittenShard],
    evaluation: list[WrittenShard],
    timings: dict[str, float],
    contamination: list[dict[str, Any]],
    duplicates: list[dict[str, Any]],
) -> Manifest:
    """The manifest of a run whose files are all written. Raises RunError naming the stage whose counts do not add up.

    dropped: what the stages say; ledger: what was written.
    """
    read = sum(part.documents for part in work.parts)
    stages = funnel(recipe, read, dropped)
    wanted = {stage.stage: stage.dropped for stage in stages if stage.dropped}
    if ledger != wanted:
        raise RunError("ledger", f"the ledger holds {ledger}, the stages dropped {wanted}; nothing was published")
    if stages[-1].out != scheduled.documents:
        raise RunError(
            "schedule", f"{scheduled.documents} documents are scheduled, the funnel ends with {stages[-1].out}"
        )
    if sum(shard.documents for shard in evaluation) != scheduled.evaluated:
        raise RunError("write", f"not all of {scheduled.evaluated} documents for evaluation were written")
    written = sum(shard.documents for shard in shards)
    if written != scheduled.rows:
        raise RunError("write", f"{written} documents were written, {scheduled.rows} are scheduled")
    return _record(
        recipe,
        release=release,
        created=created,
        work=work,
        funnel=stages,
        edits=edits,
        groups=groups,
        phases=_phases(plan, scheduled.notes, shards),
        shards=[_shard(shard) for shard in shards],
        evaluation=[_shard(shard) for shard in evaluation],
        packing=_packing(recipe, shards),
        parent=parent,
        content_key=key,
        pool_key=pool_key,
        timings=timings,
        contamination=contamination,
        duplicates=duplicates,
    )


def evaluation(
    recipe: Recipe,
    *,
    name: str,
    created: str,
    work: Work,
    dropped: dict[str, dict[str, int]],
    edits: list[tuple[str, str, int, int]],
    groups: dict[str, dict[str, Amount]],
    contamination: list[dict[str, Any]],
    duplicates: list[dict[str, Any]],
    timings: dict[str, float],
) -> Manifest:
    """The record of an evaluation: a manifest without phases, shards and parent, its funnel ending before *schedule*."""
    stages = funnel(recipe, sum(part.documents for part in work.parts), dropped)
    return _record(
        recipe,
        release=name,
        created=created,
        work=work,
        funnel=stages[:-1],
        edits=edits,
        groups=groups,
        phases=[],
        shards=[],
        parent=None,
        content_key="",
        timings=timings,
        contamination=contamination,
        duplicates=duplicates,
    )


def _record(
    recipe: Recipe,
    *,
    work: Work,
    edits: list[tuple[str, str, int, int]],
    timings: dict[str, float],
    contamination: list[dict[str, Any]],
    duplicates: list[dict[str, Any]],
    **fields: Any,
) -> Manifest:
    """The manifest's fields as they are, and those that add up what the partitions say."""
    documents, errors = Counter[int](), Counter[int]()
    faults = [{"path": file.path, "reason": file.fault} for file in work.inputs if file.fault]
    reasons = []
    for partition, part in zip(work.partitions, work.parts, strict=True):
        for one, read in zip(partition.slices, part.read, strict=True):
            documents[one.input] += read.documents
            errors[one.input] += read.bad_rows + (read.fault is not None)
            if read.fault is not None:
                faults.append({"path": work.inputs[one.input].path, "reason": read.fault})
        for number, row, reason in part.reasons:
            path = work.inputs[partition.slices[number].input].path
            reasons.append({"path": path, "row": row, "reason": reason})
    total_edits: dict[tuple[str, str], list[int]] = {}
    for stage, rule, n, count in [*(e for part in work.parts for e in part.edits), *edits]:
        both = total_edits.setdefault((stage, rule), [0, 0])
        both[0] += n
        both[1] += count
    return Manifest(
        recipe=recipe.resolved(),
        recipe_hash=digest(recipe),
        software=software({file.format for file in work.inputs if not file.fault}),
        inputs=[
            InputRecord(
                path=file.path,
                bytes=file.bytes,
                fingerprint=file.fingerprint,
                documents=documents[i],
                errors=errors[i] + bool(file.fault),
                same_as=file.same_as,
            )
            for i, file in enumerate(work.inputs)
        ],
        edits=[Edit(stage=s, rule=r, documents=n, count=c) for (s, r), (n, c) in sorted(total_edits.items()) if n],
        errors={
            "files": faults,
            "rows": reasons[:MAX_REASONS],
            "count": {"files": len(faults), "rows": sum(one.bad_rows for part in work.parts for one in part.read)},
        },
        token_unit=recipe.shards.tokenizer or "UTF-8 bytes / 4, rounded up",
        timings={name: round(seconds, 3) for name, seconds in timings.items()},
        preset=_preset(recipe),
        contamination=contamination,
        duplicates=duplicates,
        **fields,
    )


def _shard(shard: WrittenShard) -> Shard:
    return Shard(
        path=shard.path,
        rows=shard.rows,
        tokens=shard.tokens,
        bytes=shard.bytes,
        sha256=shard.sha256,
        phase=shard.phase,
        first_position=shard.first_position,
        padded=shard.padded,
        cut=shard.cut,
        dropped_tokens=shard.dropped_tokens,
    )


def _packing(recipe: Recipe, shards: list[WrittenShard]) -> dict[str, int] | None:
    """What packing cost in all; null for rows of documents."""
    if recipe.shards.sequence_length is None:
        return None
    return {
        "padded": sum(shard.padded or 0 for shard in shards),
        "cut": sum(shard.cut or 0 for shard in shards),
        "dropped_tokens": sum(shard.dropped_tokens or 0 for shard in shards),
    }


def _preset(recipe: Recipe) -> dict[str, str] | None:
    """What the recipe's preset follows: paper, code, and where it differs."""
    name = recipe.clean.preset
    if name is None:
        return None
    preset = PRESETS[name]
    return {"name": name, "paper": preset.paper, "code": preset.code, "differs": preset.differs}


def groups_of(pool: Pool, by: Iterable[str | None]) -> dict[str, dict[str, Amount]]:
    """Documents and tokens of the pool by source, and by each of these names."""
    everything = np.ones(len(pool), dtype=bool)
    names = sorted({"source", *(name for name in by if name is not None)})
    groups: dict[str, dict[str, Amount]] = {}
    for name in names:
        sizes = pool.sizes(name, everything, pool.tokens)
        groups[name] = {
            label: Amount(documents=int(n), tokens=int(t))
            for label, n, t in zip(sizes.labels, sizes.documents, sizes.tokens, strict=True)
        }
    return groups


def _phases(plan: Plan, said: Sequence[Sequence[str]], shards: list[WrittenShard]) -> list[PhaseRecord]:
    records = []
    for phase, notes in zip(plan.phases, said, strict=True):
        realised: dict[str, list[int]] = {label: [0, 0, 0] for label in phase.labels}
        for shard in shards:
            if shard.phase == phase.name:
                for label, amounts in shard.labels.items():
                    before = realised.get(label, [0, 0, 0])
                    realised[label] = [one + more for one, more in zip(before, amounts, strict=True)]
        records.append(
            PhaseRecord(
                name=phase.name,
                budget={
                    **phase.budget,
                    "exhausted": phase.exhausted,
                    "max_epochs": phase.max_epochs,
                    "rounding": phase.rounding,
                },
                weights=dict(zip(phase.labels, phase.weights, strict=True)),
                realised={label: Amount(documents=n, tokens=t) for label, (n, t, _) in sorted(realised.items())},
                trained_tokens={label: trained for label, (_, _, trained) in sorted(realised.items())},
                by=phase.by,
                fit=None if phase.fit is None else asdict(phase.fit),
                notes=list(notes),
                pools={
                    name: Amount(
                        documents=sum(realised[label][0] for label in labels if label in realised),
                        tokens=sum(realised[label][1] for label in labels if label in realised),
                    )
                    for name, labels in phase.pools
                },
            )
        )
    return records
