"""Scheduled runs, each started by the schedule itself: four weeks of files under a short interval, on a real server.

Releases chain by `parent`, each takes only its new files, no two runs of the recipe are under way at once, and what became
due while everything was down is made up for.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.conftest import recipe_of, texts, write_jsonl
from tests.serving import ask, free_port, moment, runs, serving, until

pytestmark = [pytest.mark.server, pytest.mark.schedule]

INTERVAL = 7
"""Seconds; a run takes longer where the machine is busy, so that runs overlap."""


def test_four_weeks(tmp_path: Path) -> None:
    home = tmp_path / "out" / "tried"

    def week(number: int) -> None:
        rows = [
            {"text": text, "url": f"https://a.example/{number}/{i}"} for i, text in enumerate(texts(60, seed=number))
        ]
        if number > 1:  # one document of the week before comes again
            rows.append({"text": texts(60, seed=number - 1)[0] + " Read again.", "url": "https://a.example/again"})
        # Whole or not at all, as a crawler should hand it over.
        write_jsonl(tmp_path / "arriving" / "week.jsonl", rows)
        (tmp_path / "raw" / "web").mkdir(parents=True, exist_ok=True)
        os.replace(tmp_path / "arriving" / "week.jsonl", tmp_path / "raw" / "web" / f"week-{number}.jsonl")

    def releases() -> list[str]:
        if not home.exists():
            return []
        return sorted(path.parent.name for path in home.glob("2*/manifest.json"))

    week(1)
    sources = [{"name": "web", "paths": [str(tmp_path / "raw" / "web" / "*.jsonl")]}]
    recipe = yaml.safe_load(recipe_of(tmp_path, sources=sources, dedup={"history": True}).read_text())
    deployment = {
        "name": "stream",
        "entrypoint": "flows/curate.py:curate",
        "schedules": [{"interval": INTERVAL}],
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "parameters": {"recipe": recipe},
    }
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump({"deployments": [deployment]}))
    port = free_port()
    with serving(tmp_path, port, "--prefect-file", "prefect.yaml"):
        for number in (1, 2, 3):
            if number > 1:
                week(number)
            until(lambda n=number: len(releases()) == n, 120, f"no release of week {number} came by itself")  # type: ignore[misc]
    week(4)
    time.sleep(INTERVAL + 1)
    came = datetime.now(UTC)
    with serving(tmp_path, port, "--prefect-file", "prefect.yaml") as server:
        until(lambda: len(releases()) == 4, 200, "what came while the server was down was not made up for")
        # Where runs take longer than the interval they queue for the one slot, and which is next is luck: only the one that
        # makes up for the others is let through.
        ask(server, f"deployments/{runs(server)[0]['deployment_id']}/pause_deployment")
        for run in runs(server):
            if run["auto_scheduled"] and run["state_type"] == "SCHEDULED":
                ask(server, f"flow_runs/{run['id']}/set_state", state={"type": "CANCELLED"}, force=True)
        until(
            lambda: any(run["state_type"] == "COMPLETED" and not run["auto_scheduled"] for run in runs(server)),
            120,
            "the run that made up for the others did not end",
        )
        found = runs(server)

    names = releases()
    manifests = [json.loads((home / name / "manifest.json").read_text()) for name in names]
    assert [manifest["parent"] for manifest in manifests] == [None, *names[:3]]
    for number, manifest in enumerate(manifests, start=1):
        assert [Path(file["path"]).name for file in manifest["inputs"]] == [f"week-{number}.jsonl"]
        history = next(stage for stage in manifest["funnel"] if stage["stage"] == "history")
        assert sum(history["dropped"].values()) == (number > 1)
    assert json.loads((home / "latest.json").read_text())["release"] == names[-1]
    made_up = [run for run in found if not run["auto_scheduled"]]
    assert len(made_up) == 1
    missed = made_up[0]["tags"][0].removeprefix("made up for ")
    assert moment(missed) < came
    # One may have been under way when the first server was stopped.
    crashed = [run["state"]["message"] for run in found if run["state_type"] == "CRASHED"]
    assert all("`syllabus serve` ended while this ran" in message for message in crashed)
    assert "FAILED" not in {run["state_type"] for run in found}
    spans = sorted((moment(r["start_time"]), moment(r["end_time"])) for r in found if r["state_type"] == "COMPLETED")
    assert len(spans) >= 3
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
