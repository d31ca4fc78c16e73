"""What every test shares: hypothesis settings and, for a few, a real browser."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

# The same examples every time, and no failure because a machine was busy.
settings.register_profile("ccmlab", derandomize=True, deadline=None)
settings.load_profile("ccmlab")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the installed Chromium; skip, or fail where one is required."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("CCMLAB_REQUIRE_BROWSER") == "1":
            pytest.fail("CCMLAB_REQUIRE_BROWSER=1, but no Chromium is installed")
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe_faults() -> Callable[[Page], list[str]]:
    """Return what holds an open page against every rule of axe-core; offline."""
    script = AXE_FILE_PATH.read_text(encoding="utf-8")

    def faults(page: Page) -> list[str]:
        page.evaluate(script)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        assert len(found["passes"]) > 10, "axe-core looked at an empty page"
        return [
            f"{fault['id']} ({fault['impact']}): {node['html']}"
            for fault in found["violations"]
            for node in fault["nodes"]
        ]

    return faults
