"""Take the pictures that the README shows: `make pictures`.

Two are figures of the gallery. For that of the live page a few tests are played by the
keys in an installed Chromium, as anybody would.
"""

import runpy
import shutil
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from harness.clinic.guard import hosts_of
from harness.clinic.rooms import Rooms
from harness.clinic.serve import HERE, listening_on, server
from harness.clinic.server import application

DOCS = Path(__file__).parent
PICTURE = DOCS / "images" / "clinic.png"
DRAWN = {"sweep": "a_sweep.py", "landscape": "a_landscape.py"}
DRAWN_DPI = 150
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENT = "Patient C"
TESTS = (
    ("ArrowRight", "r"),
    ("ArrowRight ArrowRight", "r"),
    ("ArrowRight ArrowRight ArrowRight", "d"),
    ("ArrowRight ArrowRight ArrowRight ArrowDown ArrowDown" + 8 * " ArrowRight", "r"),
    ("ArrowRight ArrowRight ArrowDown ArrowDown" + 12 * " ArrowRight", "d"),
    ("ArrowRight ArrowRight ArrowDown ArrowDown" + 16 * " ArrowRight", "r"),
)


def main() -> None:
    """Draw the figures; serve the clinic, play, take the picture."""
    for name, script in DRAWN.items():
        figure = runpy.run_path(str(DOCS / "gallery" / script))["figure"]
        figure.savefig(DOCS / "images" / f"{name}.png", dpi=DRAWN_DPI)
    listening = listening_on(HERE, 0)
    port = listening.getsockname()[1]
    with TemporaryDirectory() as out:
        web = server(application(Rooms(Path(out)), hosts_of((), port)))
        thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            take(f"http://{HERE}:{port}/")
        finally:
            web.should_exit = True
            thread.join()
            listening.close()


def take(url: str) -> None:
    """Play in a browser until there is something to see."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(f"this needs one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.get_by_role("button", name="Play alone").click()
        page.get_by_role("button", name=PATIENT).click()
        page.locator("#begin").click()
        for keys, prediction in TESTS:
            ask(page)
            page.keyboard.press("ArrowUp")
            press(page, *keys.split(), prediction, "t")
        ask(page)
        press(page, "a", *(["ArrowRight"] * 2))
        time.sleep(11.0)  # until the strips fill their window
        press(page, "r")
        time.sleep(0.6)
        page.screenshot(path=PICTURE)
        browser.close()


def press(page: Page, *keys: str) -> None:
    """Press some keys, each once the last has been heard."""
    for key in keys:
        page.keyboard.press(key)
        time.sleep(0.35)


def ask(page: Page) -> None:
    """Go on until the visit asks what next."""
    while not page.locator("#predict").is_visible():
        press(page, "n")


if __name__ == "__main__":
    main()
