"""*prepare* of a folder's files on two threads, as the benchmarks run it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from curation.stages.catalogue import catalogue, cut
from curation.stages.prepare import prepare
from schemas.recipe import Recipe
from schemas.work import Prepared


def prepare_all(recipe: Recipe, work: Path) -> list[Prepared]:
    """Every file of the recipe's one source, each in a folder of ``work``."""
    files = catalogue(recipe.sources, partition_bytes=1 << 40, known={})
    with ThreadPoolExecutor(2) as pool:
        return list(
            pool.map(
                lambda file: prepare(
                    file,
                    cut(file)[0],
                    recipe=recipe,
                    source=recipe.sources[0],
                    folder=str(work / Path(file.url).stem),
                    key="k",
                ),
                files,
            )
        )
