"""A run's keys, cut by range: where *keys* leaves each partition's, and those of the documents that are left before a stage; and how
its documents are preferred."""

from __future__ import annotations

from functools import cache

from curation.dedup.key_ranges import KeyRanges
from curation.dedup.rows import Ranking
from curation.releases.work import Work


def keys_path(work: Work, number: int, file: str) -> str:
    """Where a partition's keys lie by range."""
    return work.path(f"keys-{file}", number, "arrow")


def left_before(work: Work, stage: str) -> KeyRanges:
    """The keys of what is left before a stage that decides."""
    scattered = (lambda number, file: keys_path(work, number, file)) if work.ranges > 1 else None
    gone = cache(lambda number: work.gone(number, before=stage))
    return KeyRanges(work.parts, work.recipe.dedup, gone, work.ranges, scattered)


def ranking(work: Work) -> Ranking:
    """Who of a run's documents stays for others."""
    preferences = [work.path("preference", number) for number in work.numbers] if work.recipe.dedup.keeps_by else []
    return Ranking(work.parts, work.recipe.dedup, work.of_source, preferences)
