"""The README's pictures, from a real run: `make screenshots`. Serves the demo recipe, runs it from its form and looks.

Writes PNG files to docs/screenshots.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import Page

from deployments import demo_corpus
from tests.browser import browsing, field
from tests.conftest import ROOT
from tests.serving import ask, free_port, runs, serving, until

TARGET = ROOT / "docs" / "screenshots"


def take(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    page.screenshot(path=str(TARGET / f"{name}.png"))
    sys.stdout.write(f"{TARGET / name}.png\n")


def main() -> None:
    """Take them all."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        demo_corpus.collect(folder / "demo" / "raw")
        plain = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text(encoding="utf-8"))
        plain["deployments"] = [one for one in plain["deployments"] if one["name"] == "demo"]
        plain["deployments"][0]["parameters"]["recipe"]["clean"]["keep_statistics"] = True
        (folder / "prefect.yaml").write_text(yaml.safe_dump(plain))
        with (
            serving(folder, free_port(), "--prefect-file", "prefect.yaml") as server,
            browsing(width=1400, height=900) as page,
        ):
            demo = ask(server, "deployments/filter", deployments={"name": {"any_": ["demo"]}})[0]
            page.goto(f"{server}/v2/deployments/deployment/{demo['id']}/run")
            recipe = field(page, "recipe")
            recipe.wait_for()
            page.set_viewport_size({"width": 1920, "height": 1100})
            take(page, "form")
            with page.expect_response("**/create_flow_run"):
                page.get_by_role("button", name="Submit").click()
            page.set_viewport_size({"width": 1400, "height": 900})
            until(lambda: runs(server) and runs(server)[0]["state_type"] in ("COMPLETED", "FAILED"), 240, "no end")
            run = runs(server)[0]
            page.goto(f"{server}/v2/runs/flow-run/{run['id']}")
            page.get_by_text("Completed").first.wait_for()
            take(page, "run")
        home = folder / "demo" / "releases" / "demo"
        report = home / json.loads((home / "latest.json").read_text())["release"] / "report.html"
        with browsing(width=1200, height=1000) as page:
            page.goto(f"file://{report}")
            take(page, "report")
            page.get_by_text("rules: ").first.click()
            page.get_by_text("Dropped, and just kept").last.scroll_into_view_if_needed()
            page.evaluate("window.scrollBy(0, 500)")
            take(page, "report-border-cases")


if __name__ == "__main__":
    main()
