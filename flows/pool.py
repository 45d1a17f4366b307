"""The first half of a run: from input files to the pool of documents that stay, and why each of the others does not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from prefect.logging import get_run_logger

from curation.methods.tags import pool_wide_tags
from curation.mixture import planning
from curation.recipes.memory import bounds
from curation.recipes.recipe_paths import absolute
from curation.releases import shift
from curation.releases import work as work_folder
from curation.releases.hits import contamination as contaminated
from curation.releases.hits import hits_of
from curation.releases.home import PREPARED, Home
from curation.releases.warnings import nothing_left
from curation.releases.work import Work
from curation.stages import catalogue
from curation.stages.prepare import partition_key, settings, warm_up
from curation.stages.substrings import by_source
from flows.progress import Progress
from flows.run import run_stage
from schemas.errors import RunError
from schemas.recipe import Recipe
from schemas.work import Input


@dataclass
class Survivors:
    """What the stages up to the pool came to. edits: (stage, rule, documents, places); just_kept: pairs of documents that
    were nearly alike enough."""

    edits: list[tuple[str, str, int, int]] = field(default_factory=list)
    contamination: list[dict[str, Any]] = field(default_factory=list)
    just_kept: list[tuple[int, int, float]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    substrings: list[dict[str, Any]] = field(default_factory=list)


def begin(
    recipe: Recipe, inputs: list[Input], home: Home, key: str, benchmarks: tuple[tuple[str, str], ...] = ()
) -> Work:
    """The work folder of a run over these inputs. key: a name for what decides its content."""
    of_source = [settings(recipe, source) for source in recipe.sources]
    partitions = catalogue.partitions(inputs, bounds(recipe.engine).partition_bytes)
    keys = [partition_key(of_source[one.source_index], inputs, one) for one in partitions]
    cut = hashlib.sha256("".join(keys).encode()).hexdigest()
    folder = home.cache("work", f"{key}-{cut[:16]}")
    # A cluster that runs elsewhere does not share our working directory.
    there = absolute(recipe) if recipe.engine.address is not None else recipe
    return work_folder.begin(folder, there, inputs, partitions, keys, home.cache(PREPARED), benchmarks)


def prepare_all(work: Work, progress: Progress, clock: dict[str, float]) -> None:
    """Read and clean every partition."""
    warm_up(work.recipe)
    run_stage("prepare", work, progress, clock)


def survivors(work: Work, progress: Progress, clock: dict[str, float]) -> Survivors | None:
    """Every stage up to the pool that the recipe needs; None where nothing is left. Raises RecipeError, InputError, RunError."""
    recipe, log = work.recipe, get_run_logger()
    prepare_all(work, progress, clock)
    read, kept = sum(part.documents for part in work.parts), sum(part.kept for part in work.parts)
    if not recipe.dedup.history:
        _refuse_unusable(work)
    log.info("%d documents read, %d left after cleaning", read, kept)
    edits: list[tuple[str, str, int, int]] = []
    contamination: list[dict[str, Any]] = []
    just_kept: list[tuple[int, int, float]] = []
    anchors: list[dict[str, Any]] = []
    substrings: list[dict[str, Any]] = []
    dropped = 0
    for stage in stages_of(recipe, work.ranges):
        counts = run_stage(stage, work, progress, clock)
        dropped += sum(one.get("dropped", 0) for one in counts)
        if stage == "duplicates":
            just_kept = [(left, right, alike) for left, right, alike in counts[0]["just_kept"]]
        if stage == "find-anchors":
            anchors = counts
        if stage == "cut-substrings":
            substrings = by_source(work.of_source, anchors, counts)
        if stage in EDITING:
            rule: str = recipe.dedup.paragraphs.unit if recipe.dedup.paragraphs is not None else ""
            if stage == "cut-substrings" and recipe.dedup.substrings is not None:
                rule = recipe.dedup.substrings.action
            if stage == "decontaminate" and recipe.decontaminate is not None:
                rule = recipe.decontaminate.method
                contamination = contaminated(hits_of(work), work.of_source, work.benchmarks, recipe.decontaminate)
            edits.append(
                (EDITING[stage], rule, sum(one["documents"] for one in counts), sum(one["places"] for one in counts))
            )
    log.info("%d documents dropped by global stages", dropped)
    if dropped == kept:
        return None
    for tag in pool_wide_tags(recipe.tags):
        run_stage(f"partial:{tag}", work, progress, clock)
        run_stage(f"fit:{tag}", work, progress, clock)
    for tagged in run_stage("tag", work, progress, clock):
        edits += [(stage, rule, documents, places) for stage, rule, documents, places in tagged.get("edits", ())]
    return Survivors(edits, contamination, just_kept, shift.of_work(work, planning.group_names(recipe)), substrings)


EDITING = {"cut-paragraphs": "paragraphs", "cut-substrings": "substrings", "decontaminate": "decontaminate"}
"""Stages that rewrite texts, and their names in the manifest."""


SUBSTRINGS = ("find-anchors", "equal-anchors", "surroundings", "repeated-substrings", "cut-substrings")


def stages_of(recipe: Recipe, ranges: int = 1) -> list[str]:
    """The stages between *prepare* and the tags that a recipe needs, in order. ranges: into how many its keys are cut."""
    clean, dedup, classifier = recipe.clean, recipe.dedup, recipe.clean.classifier
    over_all = classifier is not None and (classifier.keep_share is not None or classifier.pareto is not None)
    needed = {
        "classifier": clean.classifier is not None and over_all,
        "keys": ranges > 1 and (bool(dedup.exact_kinds) or dedup.minhash is not None or dedup.history),
        "preference": dedup.keeps_by is not None,
        **{f"{stage}:{kind}": True for kind in dedup.exact_kinds for stage in ("exact", "settle")},
        **dict.fromkeys(("edges", "verify", "duplicates"), dedup.minhash is not None),
        "semantic": dedup.semantic is not None,
        "caps": dedup.max_per_domain is not None,
        "find-paragraphs": dedup.paragraphs is not None,
        "repeated-paragraphs": dedup.paragraphs is not None,
        "cut-paragraphs": dedup.paragraphs is not None,
        **dict.fromkeys(("index", "known", "compare", "history"), dedup.history),
        "copies": bool(dedup.exact_kinds) or dedup.minhash is not None or dedup.history,
        **dict.fromkeys(SUBSTRINGS, dedup.substrings is not None),
        "collisions": recipe.decontaminate is not None,
        "frequent": recipe.decontaminate is not None,
        "decontaminate": recipe.decontaminate is not None,
        "whole-sources": recipe.decontaminate is not None and recipe.decontaminate.whole_sources != "never",
    }
    return [stage for stage, wanted in needed.items() if wanted]


def _refuse_unusable(work: Work) -> None:
    """No silent success: a source without a readable file, a column that no file has, nothing read, nothing kept."""
    planning.check_columns(work)
    if not sum(part.documents for part in work.parts):
        raise RunError("read", f"no document was read: {planning.why_nothing(work)}")
    if not sum(part.kept for part in work.parts):
        raise nothing_left(work)
