"""The page in a browser: for those who do not see it, who have a keyboard alone, a narrow screen or a dark one."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: make test-services")

from axe_playwright_python.sync_playwright import Axe

from curation.releases.report import compare, report
from tests.browser import browsing
from tests.curation.releases.test_report import HOSTILE, release

pytestmark = pytest.mark.browser


def pages(folder: Path) -> dict[str, str]:
    """A release's page and that of two, where each string is hostile."""
    first, second = (release(folder / name) for name in ("a", "b"))
    folders = (str(folder / "a"), str(folder / "b"))
    return {"report": report(first, folders[0], second), "compared": compare(first, second, folders)}


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_axe_finds_nothing(tmp_path: Path, width: int, dark: bool) -> None:
    for name, html in pages(tmp_path).items():
        (tmp_path / f"{name}.html").write_text(html)
        with browsing(width=width, height=900, dark=dark) as page:
            page.goto(f"file://{tmp_path}/{name}.html")
            for folded in page.locator("details").all():
                folded.evaluate("element => { element.open = true }")
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_axe_would_find_something(tmp_path: Path) -> None:
    """A heading that is nearly as light as what it stands on."""
    html = pages(tmp_path)["report"].replace("<h1>", '<h1 style="color:#eee;background:#fff">')
    (tmp_path / "report.html").write_text(html)
    with browsing() as page:
        page.goto(f"file://{tmp_path}/report.html")
        assert [one["id"] for one in Axe().run(page).response["violations"]] == ["color-contrast"]


def test_a_document_is_found_by_keyboard(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(pages(tmp_path)["report"])
    with browsing() as page:
        page.goto(f"file://{tmp_path}/report.html")
        for _ in range(200):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "asked":
                break
        page.keyboard.type(HOSTILE[6:18].upper())
        assert page.locator("#found .case").count() == 20
        assert "40 found" in page.locator("#found").inner_text()
        page.keyboard.press("Control+A")
        page.keyboard.type("no text begins so")
        assert page.locator("#found").inner_text() == "0 found"
