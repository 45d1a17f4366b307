"""Bring ``prefect.yaml`` up to the recipes: ``python -m deployments.write_prefect_yaml [RECIPE …]``.

A deployment of each recipe that the file has already, and of each that is named, its form pre-filled with the recipe as written; then one a
flow, with an empty form. Not all that ship: a server takes seconds for each. What stands in ``KEPT`` of a deployment (schedules, work
pool …) stays as you wrote it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from curation.recipes.recipe_file import load
from schemas.recipe import Recipe

FOLDER = Path(__file__).resolve().parent
KEPT = ("schedules", "work_pool", "concurrency_limit", "triggers", "job_variables")
ONE_AT_A_TIME = {"limit": 1, "collision_strategy": "ENQUEUE"}
HEAD = """\
# Deployments for a work pool: from the checkout's root,
#   prefect work-pool create --type process local
#   prefect --no-prompt deploy --all --prefect-file deployments/prefect.yaml
#   prefect worker start --pool local
# `syllabus serve` gives the same deployments on one machine, without pool and worker.
# Written by `python -m deployments.write_prefect_yaml` from deployments/recipes; it keeps schedules, work pools and limits
# as they stand here. collision_strategy: ENQUEUE makes an overlapping run wait, CANCEL_NEW cancels it.
"""
FLOWS: dict[str, tuple[str, str, list[str]]] = {
    "curate": (
        "curate",
        "Any recipe, from an empty form.",
        [
            "read",
            "clean",
            "deduplicate",
            "decontaminate",
            "tag",
            "mix",
            "schedule",
            "shards, manifest.json, report.html",
        ],
    ),
    "next-round": (
        "next_round",
        "A loss report in, the next release out.",
        ["the last release's weights, and the losses of training on it", "mix anew", "the next release"],
    ),
    "evaluate-pool": (
        "evaluate_pool",
        "What a recipe would keep: statistics, histograms and samples, no shards.",
        ["read", "clean", "deduplicate", "decontaminate", "tag", "report.html"],
    ),
    "swarm": (
        "swarm",
        "Small releases with drawn mixtures over one pool, for proxy models.",
        [
            "the pool of a recipe",
            "draw mixtures",
            "texts once, and of each run the rows that it reads",
            "swarm.parquet",
        ],
    ),
    "train-classifier": (
        "train_classifier",
        "The quality classifier of a recipe's section `train`.",
        ["good and raw text", "hold a part out", "train", "measure", "the model and its card"],
    ),
    "verify-release": (
        "verify_release",
        "Every checksum and count of a release again.",
        ["manifest.json", "every file it names", "it holds, or what does not"],
    ),
    "retain": (
        "retain",
        "Keep the last releases of a recipe; remove older ones and what nothing needs any more.",
        ["all releases", "the latest, the last ones, their parents, what history needs: these stay", "the rest goes"],
    ),
    "watch": (
        "watch",
        "Start a deployment's run when files have arrived; switch the schedule on to look every minute.",
        ["the files of its sources now", "other than at the last look, and quiet since", "one run of the deployment"],
    ),
}
"""Deployment -> flow, what it does, its way."""
SCHEDULES: dict[str, list[dict[str, Any]]] = {
    "weekly-stream": [{"cron": "0 6 * * 1", "timezone": "UTC", "active": False}],
    "watch": [{"interval": 60, "active": False}],
}


def picture(recipe: Recipe) -> str:
    """The way of a recipe, from sources to shards, as Markdown."""
    clean, dedup = recipe.clean, recipe.dedup
    steps: list[tuple[str, list[str]]] = [("read", [source.name for source in recipe.sources])]
    done: list[str] = [clean.unicode] if clean.unicode != "none" else []
    if clean.language is not None:
        done.append("language " + "/".join(clean.language.keep or ["any"]))
    done += [rule.name for rule in clean.rules]
    done += ["classifier"] if clean.classifier is not None else []
    done += ["personal data"] if clean.pii.active else []
    steps.append(("clean", done))
    copies = ["exact"] if dedup.exact else []
    if dedup.minhash is not None:
        copies.append(f"minhash {dedup.minhash.bands} x {dedup.minhash.rows}")
    copies += ["paragraphs"] if dedup.paragraphs is not None else []
    copies += ["all earlier releases"] if dedup.history else []
    steps.append(("deduplicate", copies))
    steps.append(("decontaminate", [recipe.decontaminate.method] if recipe.decontaminate is not None else []))
    steps.append(("tag", list(recipe.tags)))
    steps.append(("mix", [f"{recipe.mixture.method} by {recipe.mixture.by}"] if recipe.mixture is not None else []))
    steps.append(("schedule", [" -> ".join(phase.name for phase in recipe.phases) or "one phase, shuffled"]))
    steps.append(("write", ["shards", "manifest.json", "report.html"]))
    lines = [f"{name:<14} {' · '.join(parts)}" for name, parts in steps if parts]
    return _drawn(lines)


def _drawn(steps: list[str]) -> str:
    return "```text\n" + "\n      ↓\n".join(steps) + "\n```"


def of_recipe(path: Path) -> dict[str, Any]:
    """The deployment of a recipe."""
    recipe = load(str(path))
    return {
        "name": path.stem,
        "entrypoint": "flows/curate.py:curate",
        "description": f"{recipe.description}\n\n{picture(recipe)}\n",
        "tags": ["syllabus", "recipe"],
        "concurrency_limit": ONE_AT_A_TIME,
        "work_pool": {"name": "local"},
        "parameters": {"recipe": yaml.safe_load(path.read_text(encoding="utf-8"))},
    }


def of_flow(name: str) -> dict[str, Any]:
    """The deployment of a flow, its form empty."""
    function, description, steps = FLOWS[name]
    return {
        "name": name,
        "entrypoint": f"flows/{function}.py:{function}",
        "description": f"{description}\n\n{_drawn(steps)}\n",
        "tags": ["syllabus"],
        "work_pool": {"name": "local"},
    }


def whole(present: dict[str, Any], more: Collection[str] = ()) -> dict[str, Any]:
    """The file's content: the recipes that it has, and more of them by name, with what it says of schedules, pools and limits."""
    before = {one["name"]: one for one in present.get("deployments", [])}
    recipes = {path.stem: path for path in sorted((FOLDER / "recipes").glob("*.yaml"))}
    made = [of_recipe(path) for name, path in recipes.items() if name in before or name in more]
    made += [of_flow(name) for name in FLOWS]
    for one in made:
        if one["name"] in SCHEDULES:
            one["schedules"] = SCHEDULES[one["name"]]
        kept = before.get(one["name"], dict(one))
        for key in KEPT:
            one.pop(key, None)
            if key in kept:
                one[key] = kept[key]
        if "parameters" in one:
            one["parameters"] = one.pop("parameters")  # the longest last
    return {"name": "syllabus", "prefect-version": "3.8.8", "deployments": made}


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dumped(plain: dict[str, Any]) -> str:
    """The file's text."""
    body = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return HEAD + re.sub(r"\n(- name:)", r"\n\n\1", body)


def main() -> None:
    """Write the file."""
    path = FOLDER / "prefect.yaml"
    present = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(dumped(whole(present, sys.argv[1:])), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
