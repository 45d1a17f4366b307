"""What ships: recipes that load, a deployment that is the demo recipe, and both against a real server and worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from curation.recipes.recipe_file import load
from curation.recipes.recipe_paths import absolute
from deployments.write_prefect_yaml import FLOWS, dumped, of_recipe, picture, whole
from flows.serving import declared, runner_deployment
from tests.conftest import ROOT, recipe_of, release_of
from tests.database import postgres, server

FOLDER = ROOT / "deployments"


@pytest.mark.parametrize("path", sorted((FOLDER / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_load_and_dump_to_the_same(path: Path, tmp_path: Path) -> None:
    recipe = load(str(path))
    assert recipe.description
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(recipe.resolved()))
    assert load(str(again)).resolved() == recipe.resolved()


def test_the_file_is_what_the_recipes_make_of_it() -> None:
    text = (FOLDER / "prefect.yaml").read_text(encoding="utf-8")
    assert text == dumped(whole(yaml.safe_load(text))), "run: python -m deployments.write_prefect_yaml"
    names = [one["name"] for one in yaml.safe_load(text)["deployments"]]
    recipes = [path.stem for path in sorted((FOLDER / "recipes").glob("*.yaml"))]
    assert names == [*(name for name in recipes if name in names), *FLOWS]
    assert {"demo", "weekly-stream", "meco"} < set(names)
    more = [one["name"] for one in whole(yaml.safe_load(text), ["delt-orders"])["deployments"]]
    assert sorted(more) == sorted([*names, "delt-orders"])


def test_what_you_wrote_of_schedules_and_pools_stays() -> None:
    mine = {"name": "demo", "schedules": [{"cron": "1 2 * * *"}], "work_pool": {"name": "big"}}
    made = {one["name"]: one for one in whole({"deployments": [mine]}, ["meco"])["deployments"]}
    assert made["demo"]["schedules"] == mine["schedules"]
    assert made["demo"]["work_pool"] == mine["work_pool"]
    assert "concurrency_limit" not in made["demo"]
    assert made["meco"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_every_recipe_passes_prefects_own_check_short_and_resolved() -> None:
    from flows.curate import curate

    check = jsonschema.Draft202012Validator(curate.parameters.model_dump())
    for path in sorted((FOLDER / "recipes").glob("*.yaml")):
        for recipe in (yaml.safe_load(path.read_text(encoding="utf-8")), load(str(path)).resolved()):
            check.validate({"recipe": recipe})


def test_every_field_of_the_form_has_a_title_and_help() -> None:
    from flows.curate import curate

    schema = curate.parameters.model_dump()
    bare = [
        f"{name}.{field}"
        for name, definition in schema["definitions"].items()
        for field, one in definition.get("properties", {}).items()
        if not (one.get("description") or _described(schema, one)) or not one.get("title")
    ]
    assert bare == []
    assert "oneOf" not in json.dumps(schema), "a oneOf is a field of raw JSON in the form"
    constants = [
        one for d in schema["definitions"].values() for one in d.get("properties", {}).values() if "const" in one
    ]
    assert all(one["default"] == one["const"] for one in constants), "the form leaves out a constant without a default"


def _described(schema: dict[str, Any], one: dict[str, Any]) -> bool:
    ref = str(one.get("$ref", "")).removeprefix("#/definitions/")
    return bool(schema["definitions"].get(ref, {}).get("description"))


def test_serve_gives_the_same_deployments() -> None:
    plain = yaml.safe_load((FOLDER / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    wanted = {one["name"]: one for one in plain if one["name"] in ("demo", "weekly-stream", "watch", "retain", "meco")}
    for one in declared(FOLDER / "prefect.yaml"):
        if one["name"] not in wanted:
            continue
        written = wanted[one["name"]]
        made = runner_deployment(one)
        assert (made.name, made.description, made.tags) == (written["name"], written["description"], written["tags"])
        assert made.entrypoint.endswith(written["entrypoint"])
        limit = written.get("concurrency_limit", {})
        assert made.concurrency_limit == limit.get("limit")
        schedules = [(s.schedule.model_dump(exclude_none=True), s.active) for s in made.schedules or []]
        assert len(schedules) == len(written.get("schedules", []))
        for (schedule, active), asked in zip(schedules, written.get("schedules", []), strict=True):
            assert active is asked["active"]
            assert schedule.get("cron") == asked.get("cron")
            assert schedule.get("timezone", "UTC") == asked.get("timezone", "UTC")
        if "parameters" in written:
            recipe = load(str(FOLDER / "recipes" / f"{one['name']}.yaml"))
            assert made.parameters == {"recipe": absolute(recipe).as_form()}


def test_the_way_is_drawn() -> None:
    drawn = picture(load(str(FOLDER / "recipes" / "demo.yaml")))
    assert "read           docs · source · licences · packages" in drawn
    assert "schedule       conditioned -> cooldown" in drawn
    assert drawn in of_recipe(FOLDER / "recipes" / "demo.yaml")["description"]


@pytest.mark.server
@pytest.mark.worker
def test_a_worker_runs_the_deployment(corpus: Path, tmp_path: Path, api: dict[str, str]) -> None:
    deploy_and_run(tmp_path, api, "--name", "demo")


@pytest.mark.postgres
def test_with_postgresql_every_deployment(corpus: Path, tmp_path: Path) -> None:
    with (
        postgres(tmp_path / "database") as url,
        server(tmp_path, PREFECT_API_DATABASE_CONNECTION_URL=url) as environment,
    ):
        deploy_and_run(tmp_path, environment, "--all")
        found = prefect(environment, "deployment", "ls")
        assert "curate/weekly-stream" in found
        assert "watch/watch" in found


def prefect(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def deploy_and_run(folder: Path, environment: dict[str, str], *which: str) -> None:
    """What a team does: a work pool, `prefect deploy`, a worker; then a run of the deployment `demo` on the corpus."""
    prefect(environment, "work-pool", "create", "--type", "process", "local")
    prefect(environment, "deploy", *which, "--prefect-file", "deployments/prefect.yaml")
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "local", "--name", "tried"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        recipe = yaml.safe_load(recipe_of(folder, engine={"workers": 2}).read_text())
        parameters = json.dumps({"recipe": recipe, "losses": None})
        prefect(environment, "deployment", "run", "curate/demo", "--params", parameters)
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline and not (folder / "out" / "tried" / "latest.json").exists():
            time.sleep(0.5)
        release = release_of(folder)
        assert json.loads((release / "manifest.json").read_text())["funnel"][0]["in"] == 401
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(timeout=60)
