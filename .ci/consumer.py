"""Training code of a user, held against the package's types."""

from __future__ import annotations

from typing import Any

from curation.training import ShardDataset
from flows.curate import curate
from schemas.recipe import Recipe


def train(release: str) -> int:
    dataset = ShardDataset(release, rank=0, world_size=1, batch_size=8)
    names: list[str] = [phase.name for phase in dataset.phases]
    state: dict[str, Any] = dataset.state_dict()
    dataset.load_state_dict(state)
    steps = 0
    for batch in dataset:
        steps += len(batch["input_ids"])
    return steps + len(names)


def curated(path: str) -> Recipe:
    recipe = Recipe.model_validate({"name": path, "sources": []})
    curate(recipe)
    return recipe
