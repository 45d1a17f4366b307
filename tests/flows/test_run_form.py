"""The way of a user of the Prefect UI, in a real browser: fill in the form, be refused, run, look at artifacts and report.

The corpus is hostile: none of what stands in it may run in the run page's artifacts, the report or a document's page.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: make test-services")

from tests.browser import add_item, browsing, choose, field, write
from tests.conftest import texts, write_jsonl
from tests.serving import ask, free_port, runs, serving, until

pytestmark = [pytest.mark.server, pytest.mark.browser]

DEPLOYMENTS = "deployments: [{name: curate, entrypoint: 'flows/curate.py:curate'}]"
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PLANTED = [
    "<script>document.title='planted'</script>",
    "<img src=x onerror=\"document.title='planted'\">",
    "</title></textarea></script><svg onload=document.title='planted'>",
    "[open me](javascript:document.title='planted')",
    '=HYPERLINK("http://a.example","cell")',
]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Documents that are kept, dropped by a rule and near duplicates, each with something planted."""
    rows: list[dict[str, Any]] = []
    for i, text in enumerate(texts(40, seed=5)):
        planted = PLANTED[i % len(PLANTED)]
        rows.append({"id": planted, "text": f"{planted} {text}", "url": f"https://a.example/{planted}"})
    rows += [{"id": f"short-{i}", "text": f"{planted} too short", "url": None} for i, planted in enumerate(PLANTED)]
    write_jsonl(tmp_path / "raw.jsonl", rows)
    return tmp_path / "raw.jsonl"


def test_from_the_form_to_the_report(hostile: Path, tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text(DEPLOYMENTS)
    with serving(tmp_path, free_port(), "--prefect-file", "prefect.yaml") as server, browsing() as page:
        planted: list[str] = []
        page.on("dialog", lambda dialog: (planted.append(dialog.message), dialog.dismiss()))
        found = ask(server, "deployments/filter", deployments={"name": {"any_": ["curate"]}})
        page.goto(f"{server}/v2/deployments/deployment/{found[0]['id']}/run")
        page.get_by_text("Run Name").wait_for(timeout=60_000)
        recipe = field(page, "recipe")
        recipe.wait_for()
        assert not page.get_by_text("Partition Bytes").count()  # folded, as all that has its defaults
        write(field(recipe, "Name"), "From The Form")
        write(field(recipe, "Output"), str(tmp_path / "out"))
        sources = field(recipe, "Sources")
        add_item(sources)
        write(field(sources, "Name"), "web")
        paths = field(sources, "Paths")
        paths.get_by_role("button", name="Add item").click()
        write(paths, str(hostile))
        clean = field(recipe, "Clean")
        choose(clean, "Clean")
        rules = field(clean, "Rules")
        add_item(rules)
        choose(rules, "GopherQuality")
        mixture = field(recipe, "Mixture")
        choose(mixture, "Temperature")

        page.get_by_role("button", name="Submit").click()
        refused = page.get_by_text(re.compile(r"Validation failed for field 'recipe\.name'"))
        refused.wait_for(timeout=30_000)
        assert not runs(server)

        write(field(recipe, "Name"), "from-the-form")
        submit = page.get_by_role("button", name="Submit")

        def submitted() -> bool:
            """The form takes a value over some time after typing has stopped, and refuses the old one until then."""
            if submit.is_visible():
                submit.click()
                page.wait_for_timeout(2000)
            return bool(runs(server))

        until(submitted, 120, "no run was made")
        until(lambda: runs(server)[0]["state_type"] in ENDED, 180, "the run did not end")
        run = runs(server)[0]
        assert run["state_type"] == "COMPLETED", run["state"]["message"]

        home = tmp_path / "out" / "from-the-form"
        release = home / json.loads((home / "latest.json").read_text())["release"]
        manifest = json.loads((release / "manifest.json").read_text())
        assert manifest["recipe"]["mixture"]["method"] == "temperature"
        assert [rule["name"] for rule in manifest["recipe"]["clean"]["rules"]] == ["gopher_quality"]
        assert manifest["funnel"][0]["in"] == 45

        page.goto(f"{server}/v2/runs/flow-run/{run['id']}")
        page.get_by_text("Completed").first.wait_for(timeout=30_000)
        artifacts = {
            one["key"]: one for one in ask(server, "artifacts/filter", limit=100) if one["flow_run_id"] == run["id"]
        }
        wanted = {"funnel", "mixture", "dropped", "release", "release-report"}
        assert wanted <= {key.removeprefix("from-the-form-") for key in artifacts}
        assert any(one["type"] == "progress" and one["data"] == 100 for one in artifacts.values())
        for key, one in artifacts.items():
            page.goto(f"{server}/v2/artifacts/artifact/{one['id']}")
            page.get_by_text(key).first.wait_for(timeout=30_000)
            page.wait_for_timeout(300)
            assert page.title() != "planted", key
            assert not page.locator("main a[href^=javascript]").count(), key

        link = re.search(r"http://[^)\s]+", str(artifacts["from-the-form-release-report"]["data"]))
        assert link is not None
        page.goto(link[0])
        assert page.title() == f"from-the-form {release.name}"
        for folded in page.locator("details > summary").all():
            folded.click()
        page.locator("#asked").fill(PLANTED[0])
        assert "in the shards" in page.locator("#found").inner_text()
        page.locator("input[name=q]").fill("short-0")
        page.locator("input[name=q]").press("Enter")
        page.get_by_text("dropped by rules").wait_for()
        page.goto(f"file://{release}/report.html")
        page.wait_for_timeout(300)
        assert page.title() == f"from-the-form {release.name}"
        assert not page.locator("a[href^=javascript], img, iframe").count()
        assert not planted


def test_a_recipe_that_ships_is_chosen_by_its_name(tmp_path: Path) -> None:
    rows = [{"text": text, "loss": 1 + i % 5} for i, text in enumerate(texts(40, seed=6))]
    write_jsonl(tmp_path / "examples" / "web.jsonl", rows)
    (tmp_path / "prefect.yaml").write_text(DEPLOYMENTS)
    with serving(tmp_path, free_port(), "--prefect-file", "prefect.yaml") as server, browsing() as page:
        found = ask(server, "deployments/filter", deployments={"name": {"any_": ["curate"]}})
        page.goto(f"{server}/v2/deployments/deployment/{found[0]['id']}/run")
        recipe = field(page, "recipe")
        recipe.wait_for(timeout=60_000)
        choose(recipe, "One that ships")
        page.get_by_text("Select", exact=True).click()
        page.get_by_role("option", name="cyclical", exact=True).click()
        page.wait_for_timeout(2000)
        page.get_by_role("button", name="Submit").click()
        until(lambda: runs(server), 60, "no run was made")
        until(lambda: runs(server)[0]["state_type"] in ENDED, 180, "the run did not end")
        run = runs(server)[0]
        assert run["state_type"] == "COMPLETED", run["state"]["message"]
        assert (run["name"], run["parameters"]["recipe"]) == ("cyclical", "cyclical")
        assert (tmp_path / "releases" / "cyclical" / "latest.json").exists()
