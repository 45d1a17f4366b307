"""The flow `train_classifier`: a fastText quality classifier from the recipe's section `train`."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from curation import storage
from curation.cleaning import train_classifier as training
from curation.recipes.memory import bounds
from curation.recipes.recipe_paths import check_allowed
from curation.releases.home import Home
from curation.stages import catalogue as catalogue_stage
from flows import artifacts, pool
from flows.engines import task_runner
from flows.progress import silent
from flows.recipe_choice import GivenRecipe
from flows.storage_credentials import StorageCredentials, in_the_environment
from schemas.engine import Engine
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.training import Training


@flow(
    name="train_classifier",
    flow_run_name="train {recipe.name}",
    description="A fastText quality classifier: read and clean the sources, hold a part out, train, measure, write the card.",
    task_runner=task_runner(Engine()),
    persist_result=False,
)
def train_classifier(recipe: GivenRecipe, credentials: StorageCredentials | None = None) -> dict[str, Any]:
    """Train the classifier that the recipe's section `train` describes; returns its card.

    Args:
        recipe: Sources, how to clean them, and the section `train`.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    with in_the_environment(credentials):
        return _train(recipe)


def _train(recipe: Recipe) -> dict[str, Any]:
    check_allowed(recipe)
    params = recipe.train
    if params is None:
        raise RecipeError("train", "this recipe trains no classifier: give its section `train`")
    log = get_run_logger()
    wanted = dict.fromkeys(params.good, params.label) | dict.fromkeys(params.raw, params.other)
    documents: list[tuple[str, str]] = []
    inputs: dict[str, Any] = {"labelled": params.labelled, "good": params.good, "raw": params.raw}
    if wanted:
        # What scoring will see: the text after rules and before personal data is masked, and no classifier yet.
        clean = recipe.clean.model_copy(update={"classifier": None, "keep_statistics": False, "verdicts": "first"})
        sources = [source for source in recipe.sources if source.name in wanted]
        of_sources = recipe.model_copy(update={"clean": clean, "sources": sources})
        home = Home(storage.join(recipe.output, recipe.name))
        known = catalogue_stage.load_known(home.cache("fingerprints.json"))
        files = catalogue_stage.catalogue(sources, partition_bytes=bounds(recipe.engine).partition_bytes, known=known)
        work = pool.begin(of_sources, files, home, "training-classifier")
        pool.prepare_all(work, silent(), {})
        parts = zip(work.of_source, work.parts, strict=True)
        documents = [(wanted[source], part.documents_path) for source, part in parts]
        inputs["files"] = [{"path": file.path, "fingerprint": file.fingerprint} for file in files if not file.fault]
    card = train_and_measure(params, documents, inputs, recipe.seed)
    log.info("trained on %s, held out %s", card["documents"]["trained_on"], card["documents"]["held_out"])
    artifacts.classifier(f"{recipe.name}-classifier", training.as_markdown(card))
    return card


@task(name="train", cache_policy=NO_CACHE)
def train_and_measure(
    params: Training, documents: list[tuple[str, str]], inputs: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Train on labelled files and prepared documents; the card, with the model's path."""

    def examples() -> Any:
        yield from training.read_labelled(params.labelled)
        yield from training.read_sources(documents)

    card = training.train(examples(), params, seed=seed, inputs=inputs)
    return {**card, "path": storage.join(storage.parent(params.output), card["model"])}
