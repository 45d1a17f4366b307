"""Prepared partitions for tests and benchmarks: one a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from curation.stages.catalogue import catalogue
from curation.stages.prepare import prepare
from schemas.recipe import Recipe
from schemas.work import Partition, Prepared, Slice


def prepare_files(recipe: Recipe, folder: Path, *, workers: int = 1) -> list[Prepared]:
    """Every file of the recipe's one source as a partition of its own, each in a folder of ``folder``."""
    files = catalogue(recipe.sources, partition_bytes=1 << 40, known={})

    def one(number: int) -> Prepared:
        whole = Partition(0, (Slice(number),))
        place = str(folder / f"partition-{number}")
        return prepare(files, whole, recipe=recipe, source=recipe.sources[0], folder=place, key=str(number))

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(len(files))))
