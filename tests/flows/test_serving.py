"""What `syllabus serve` serves, and what it says of runs that ended with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.recipe_choice import deployments_folder
from flows.serving import _end_lost_runs, declared, runner_deployment
from schemas.errors import RecipeError, RecipeMistakes
from tests.conftest import recipe_of


def test_own_recipes_take_the_place_of_those_that_ship(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(recipe_of(tmp_path).read_bytes())
    found = declared(deployments_folder() / "prefect.yaml", [str(tmp_path / "mine.yaml")])
    assert [one["name"] for one in found][:2] == ["mine", "curate"]
    assert found[0]["parameters"]["recipe"]["name"] == "tried"
    assert [one["name"] for one in found if "recipe" in one["parameters"]] == ["mine"]


@pytest.mark.parametrize("text", ["deployments: 3", "[]", "a: [", "{}"])
def test_a_file_that_is_no_prefect_yaml(tmp_path: Path, text: str) -> None:
    (tmp_path / "prefect.yaml").write_text(text)
    with pytest.raises(RecipeError, match=r"prefect\.yaml"):
        declared(tmp_path / "prefect.yaml")


def test_a_wrong_recipe_is_named_with_its_place(tmp_path: Path) -> None:
    one = {"name": "a", "entrypoint": "flows/curate.py:curate", "parameters": {"recipe": {"name": "a", "sorces": []}}}
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump({"deployments": [one]}))
    with pytest.raises(RecipeMistakes, match="sorces"):
        declared(tmp_path / "prefect.yaml")


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ({"cron": "0 6 * * 1", "timezone": "Europe/Berlin"}, {"cron": "0 6 * * 1", "timezone": "Europe/Berlin"}),
        (
            {"rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": "UTC"},
            {"rrule": "DTSTART:20200101T000000\nFREQ=WEEKLY;BYDAY=MO", "timezone": "UTC"},
        ),
        ({"interval": 60, "active": False}, {"interval": timedelta(seconds=60)}),
    ],
)
def test_schedules_of_every_kind(schedule: dict[str, Any], wanted: dict[str, Any]) -> None:
    entry = {"name": "a", "entrypoint": "flows/watch.py:watch", "parameters": {}, "schedules": [schedule]}
    (made,) = runner_deployment(entry).schedules
    said = made.schedule.model_dump()
    assert {key: said[key] for key in wanted} == wanted
    assert made.active is schedule.get("active", True)


@pytest.mark.server
def test_a_run_that_nothing_runs_any_more_is_said_to_have_crashed(api: dict[str, str]) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Running, Scheduled

    from flows.verify_release import verify_release

    made: Any = verify_release.to_deployment(name="lost").apply()

    async def states() -> list[str]:
        async with get_client() as client:
            running = await client.create_flow_run_from_deployment(made, parameters={"release": "nowhere"})
            waiting = await client.create_flow_run_from_deployment(made, parameters={"release": "nowhere"})
            await client.set_flow_run_state(running.id, Running(), force=True)
            await client.set_flow_run_state(waiting.id, Scheduled(), force=True)
            await _end_lost_runs("the test ended it")
            found = [await client.read_flow_run(run.id) for run in (running, waiting)]
        return [run.state.name for run in found if run.state is not None]

    assert asyncio.run(states()) == ["Crashed", "Scheduled"]
