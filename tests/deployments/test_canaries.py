"""Every recipe that ships, on data with an address and a benchmark item in every column: neither is in what it may write.

Stages and formatters run as the recipe has them, in this process and up to the texts that go into shards: what a plan
would take of them is all of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import storage
from curation.decontamination.items import item_files
from curation.methods import formatters
from curation.methods.tags import pool_wide_tags
from curation.recipes.recipe_file import load
from curation.releases.hits import hits_of
from curation.releases.home import Home
from curation.releases.work import Work, run_piece
from curation.stages import catalogue, named
from deployments import example_data
from flows.pool import begin, stages_of
from schemas.formatters import Tags
from schemas.groupers import QuantileSteps
from schemas.recipe import Recipe
from tests.deployments.test_recipes import METHODS, RECIPES

ADDRESS = "jane.doe@canary-mail.org"
ITEM = "which of the seven planted canaries sings before the miners have gone down into the deepest shaft"
ROWS = 6
"""Rows of each file with addresses; as many as there are columns after them have an item each."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory with the examples, canaries in every column of texts and of lists of texts but the ids."""
    folder = tmp_path_factory.mktemp("canaries")
    example_data.collect(folder / "examples")
    (folder / "canary.jsonl").write_text(json.dumps({"id": "canary", "text": ITEM}) + "\n")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def plant(recipe: Recipe) -> set[str]:
    """Canaries in the files of a recipe's sources, as copies of these; the columns that have them."""
    columns: set[str] = set()
    slots = {
        getattr(recipe.tags[slot.name], "column", "")
        for conditioning in recipe.conditionings()
        if isinstance(conditioning, Tags)
        for slot in conditioning.slots
        if slot.name in recipe.tags
    }  # a value beyond a slot's vocabulary is refused: nothing gets through there
    for source in recipe.sources:
        for number, path in enumerate(source.paths):
            rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
            holding = [name for name, value in rows[0].items() if name not in ("id", *slots) and _texts(value)]
            for row in rows[:ROWS]:
                for name in holding:
                    row[name] = _with(row[name], ADDRESS)
            for row, name in zip(rows[ROWS:], holding, strict=False):
                row[name] = _with(row[name], ITEM)
            target = Path(f"canaries-{source.name}-{number}.jsonl")
            target.write_text("".join(json.dumps(row) + "\n" for row in rows))
            source.paths[number] = str(target)
            columns |= set(holding)
    return columns


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and isinstance(value[0], str))


def _with(value: Any, canary: str) -> Any:
    if isinstance(value, list):
        return [*value[:-1], f"{value[-1]} {canary}"]
    return f"{value}/{canary.replace(' ', '-')}" if str(value).startswith("http") else f"{value} {canary}"


def tagged(recipe: Recipe) -> Work:
    """A recipe's run up to its tags, piece by piece."""
    home = Home(storage.join(recipe.output, recipe.name))
    benchmarks = item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
    work = begin(recipe, catalogue.of_recipe(recipe, home), home, "canaries", benchmarks)
    wide = [f"{step}:{tag}" for tag in pool_wide_tags(recipe.tags) for step in ("partial", "fit")]
    for name in ["prepare", *stages_of(recipe), *wide, "tag"]:
        stage = named(name)
        for piece in [0] if stage.over == "once" else work.numbers:
            run_piece(stage, work, piece)
    return work


def written(work: Work) -> tuple[list[str], list[pa.Table]]:
    """Every text that a phase may write, and every column of the shards."""
    recipe = work.recipe
    texts: list[str] = []
    columns: list[pa.Table] = []
    for number in work.numbers:
        kept = pa.array(work.left(number, before="schedule"))
        documents = pq.read_table(work.part(number).documents_path)
        tags = pq.read_table(work.path("tags", number))
        names = recipe.tag_names()
        for name in names:
            documents = documents.append_column(name, tags[name])
        documents = documents.append_column("source", pa.array([work.source(number).name] * len(documents)))
        documents = documents.take(kept).combine_chunks()
        for conditioning in (None, *recipe.conditionings()):
            texts += formatters.render(documents, conditioning, seed=0, phase="p").texts.to_pylist()
        columns.append(documents.select(["url", *names]))
    return texts, columns


@pytest.mark.parametrize("name", METHODS)
def test_no_canary_is_written(name: str, planted: Path) -> None:
    if name == "regmix":
        pytest.importorskip("lightgbm")
    overrides = [
        "clean.pii.emails=mask",
        'decontaminate={"benchmarks": ["canary.jsonl"]}',
        f"output={planted / 'out'}",
    ]
    recipe = load(str(RECIPES / f"{name}.yaml"))
    # A label with a canary is a group of its own, too small for steps.
    few = [tag for tag, made in recipe.tags.items() if isinstance(made, QuantileSteps)]
    recipe = load(str(RECIPES / f"{name}.yaml"), [*overrides, *(f"tags.{tag}.within=null" for tag in few)])
    columns = plant(recipe)
    work = tagged(recipe)
    texts, tables = written(work)
    shown = json.dumps([table.to_pylist() for table in tables], default=str)
    assert texts
    for text in (*texts, shown):
        assert "canary-mail" not in text
        assert "planted canaries" not in text.replace("-", " ")
    read = [part.edits for part in work.parts]
    of_text = "emails:turns" if recipe.has_turns else "emails"  # the text of such records is made of their turns
    assert ("pii", of_text) in {(stage, rule) for edits in read for stage, rule, *_ in edits}
    hits = set(hits_of(work)["place"].to_pylist())
    assert "text" in hits
    parts = ["rejected", "ground_truth", "verifier"] if recipe.has_turns else []
    assert np.isin(list(hits), ["text", "prompt", "url", *columns, *parts]).all()
