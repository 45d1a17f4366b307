"""What ships: recipes that load, a deployment that is the demo recipe, and both against a real server and worker."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from curation.recipe_file import load
from tests.conftest import ROOT, recipe_of, release_of

FOLDER = ROOT / "deployments"


@pytest.mark.parametrize("path", sorted((FOLDER / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_load_and_dump_to_the_same(path: Path, tmp_path: Path) -> None:
    recipe = load(str(path))
    assert recipe.description
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(recipe.resolved()))
    assert load(str(again)).resolved() == recipe.resolved()


def test_deployments_are_the_recipes_that_ship() -> None:
    deployments = yaml.safe_load((FOLDER / "prefect.yaml").read_text())["deployments"]
    names = [deployment["name"] for deployment in deployments]
    assert names == ["demo", "weekly-stream", "curate", "next-round", "train-classifier", "verify-release"]
    for deployment in deployments:
        module, function = deployment["entrypoint"].replace("/", ".").split(".py:")
        assert getattr(importlib.import_module(module), function).name == function
    for deployment in deployments[:2]:
        recipe = yaml.safe_load((FOLDER / "recipes" / f"{deployment['name']}.yaml").read_text())
        assert deployment["parameters"]["recipe"] == recipe


@pytest.mark.server
def test_a_worker_runs_the_deployment(corpus: Path, tmp_path: Path, api: dict[str, str]) -> None:
    def prefect(*arguments: str) -> str:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=api, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    prefect("work-pool", "create", "--type", "process", "local")
    prefect("deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "local", "--name", "tried"],
        cwd=ROOT,
        env=api,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        recipe = yaml.safe_load(recipe_of(tmp_path, engine={"workers": 2}).read_text())
        parameters = json.dumps({"recipe": recipe, "losses": None})
        prefect("deployment", "run", "curate/demo", "--params", parameters)
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline and not (tmp_path / "out" / "tried" / "latest.json").exists():
            time.sleep(0.5)
        release = release_of(tmp_path)
        assert json.loads((release / "manifest.json").read_text())["funnel"][0]["in"] == 401
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(timeout=60)
