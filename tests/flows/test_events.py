"""Events of a run, as Prefect's server has them, and the automation that ships."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore

from flows.events import BROKEN, PUBLISHED
from tests.conftest import ROOT, Command, recipe_of

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("api")]


def told(event: str, recipe: str) -> dict[str, Any]:
    """The payload of a recipe's event; events are sent in the background."""
    asked = {"filter": {"event": {"name": [event]}, "resource": {"id": [f"syllabus.recipe.{recipe}"]}}}
    for _ in range(60):
        with get_client(sync_client=True) as client:
            found = client._client.post("/events/filter", json=asked).json()["events"]
        if found:
            payload: dict[str, Any] = found[0]["payload"]
            return payload
        time.sleep(0.5)
    raise AssertionError(f"no event {event} of {recipe}")


def test_a_release_and_broken_limits_are_events(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    promise = [{"check": "labels", "by": "domain", "are": ["nothing"]}]
    assert syllabus("run", str(recipe_of(tmp_path, name="event-told", promise=promise))).returncode == 0
    payload = told(PUBLISHED, "event-told")
    assert payload["recipe"] == "event-told"
    assert Path(tmp_path / payload["folder"] / "manifest.json").exists()
    assert payload["documents"] > 100
    assert payload["promises_broken"] == 1
    limits = {"source_drop_rate": {"web": 0.0001}}
    done = syllabus("run", str(recipe_of(tmp_path, name="event-refused", limits=limits)))
    assert done.returncode == 1
    assert "web" in told(BROKEN, "event-refused")["faults"][0]


def test_the_automation_that_ships_is_one() -> None:
    plain = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())
    (made,) = [AutomationCore.model_validate(one) for one in plain["automations"]]
    assert made.trigger.expect == {PUBLISHED}  # type: ignore[union-attr]
