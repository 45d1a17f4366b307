"""Headless Chromium, driven by Playwright, and the fields of the run form of Prefect's UI (its V2, where `/` leads)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, sync_playwright

from tests.serving import missing

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's path. Without one the test is skipped, but fails in CI, which installs it."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing("no Chromium here; on Debian: apt-get install chromium")
    return found


@contextmanager
def browsing(*, dark: bool = False, width: int = 1920, height: int = 1080) -> Iterator[Page]:
    """A page of a fresh browser."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        yield page
        browser.close()


def field(place: Page | Locator, label: str) -> Locator:
    """The first field of the run form whose label starts so, inside of another field or of the page."""
    return place.locator(
        f"xpath=.//label[@data-slot='label'][starts-with(normalize-space(.),'{label}')]"
        "/ancestor::div[contains(concat(' ',@class,' '),' group ')][1]"
    ).first


def choose(place: Locator, option: str) -> None:
    """Pick one of a union's models in a field's selector."""
    place.get_by_role("tab", name=option, exact=True).first.click()


def write(place: Locator, text: str) -> None:
    """Fill a field's text."""
    place.locator("textarea, input").first.fill(text)


def add_item(place: Locator) -> None:
    """Press a list's own 'Add item': its last one, for items may hold lists."""
    place.get_by_role("button", name="Add item").last.click()
