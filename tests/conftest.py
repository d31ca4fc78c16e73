"""What every test shares: hypothesis settings, a browser, and nothing left behind."""

import gc
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

# Small matrices only, and a worker for each core: a second BLAS thread is in the way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

from harness.commands import speech

# The same examples every time, and no failure because a machine was busy.
settings.register_profile("ccmlab", derandomize=True, deadline=None)
settings.load_profile("ccmlab")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PROC = Path("/proc/self")
FONTS = (".ttf", ".otf", ".afm")  # matplotlib keeps those it has drawn with open
PLAY_ONE = """
from sim.heart.kept import places
if not any(place.is_dir() for place in places()):
    from harness import load_scenario, run_scenario
    run_scenario(load_scenario("first_visit"))
"""
# nine tenths of the time of axe-core go into the contrast of each cell of each table,
# so it looks at one of those whose whole line of ancestors is painted alike
AXE = """async () => {
    const paint = ['color', 'backgroundColor', 'backgroundImage', 'opacity', 'filter',
        'mixBlendMode', 'textShadow', 'fontSize', 'fontWeight', 'position', 'clip',
        'visibility', 'display', 'webkitTextStrokeWidth', 'webkitTextFillColor'];
    const painted = (e, part) => {
        const style = getComputedStyle(e, part);
        return part && style.content === 'none' ? '' : paint.map(p => style[p]).join();
    };
    const told = new Map(), lines = new Map();
    const line = (e) => {
        if (!e) return '';
        if (!lines.has(e)) {
            const own = [null, '::before', '::after'].map(p => painted(e, p));
            const off = [e.disabled, e.control?.disabled, e.ariaDisabled];
            const words = [line(e.parentElement), e.tagName, ...off, ...own].join();
            if (!told.has(words)) told.set(words, told.size);
            lines.set(e, told.get(words));
        }
        return lines.get(e);
    };
    const speaks = (e) => e.matches('input, select, textarea') ||
        [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
    const unlike = new Map();
    for (const e of document.body.querySelectorAll(':not(svg *, script, style)'))
        if (speaks(e) && e.checkVisibility() && !unlike.has(line(e)))
            unlike.set(line(e), e);
    // in one run, for each begins by taking in the whole page
    for (const e of unlike.values()) e.dataset.unlike = '';
    axe.configure({rules: [{id: 'color-contrast', selector: '[data-unlike]'}]});
    const found = await axe.run({resultTypes: ['violations']});
    for (const e of unlike.values()) delete e.dataset.unlike;
    return [found.violations, found.passes.map(rule => rule.id)];
}"""
HELD = pytest.StashKey[set[str]]()
LEFT = pytest.StashKey[list[str]]()


def held() -> set[str]:
    """Name each thread, child process and descriptor that this process holds."""
    found = {f"thread {thread.name}" for thread in threading.enumerate()}
    for listed in PROC.glob("task/*/children"):
        found |= {f"process {pid}{command(pid)}" for pid in listed.read_text().split()}
    for link in PROC.glob("fd/*"):
        try:
            target = link.readlink()
        except OSError:
            continue  # that of this very listing
        if target.suffix not in FONTS:
            found.add(f"descriptor {link.name} of {target}")
    return found


def command(pid: str) -> str:
    """Return the command line of a process, empty when it is gone or a zombie."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return " " + b" ".join(words).decode(errors="replace")[:200]


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if getattr(config.option, "numprocesses", None):
        # compiled once, before the workers start: they would wait for each other
        subprocess.run([sys.executable, "-c", PLAY_ONE], check=True)
    config.stash[HELD] = held()
    config.stash[LEFT] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a thread, a process or a descriptor outlives the tests."""
    config = session.config
    plays_itself = getattr(config.option, "dist", "no") == "no"
    if plays_itself:
        gc.collect()
        config.stash[LEFT] += sorted(held() - config.stash[HELD])
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = config.stash[LEFT]
    elif config.stash[LEFT] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist found left behind."""
    told: Mapping[str, Any] = getattr(node, "workeroutput", {})
    node.config.stash[LEFT] += told.get("left", [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.stash[LEFT]:
        terminalreporter.section("left behind", red=True)
        terminalreporter.write_line("\n".join(config.stash[LEFT]))


@pytest.fixture(scope="session", autouse=True)
def _nobody_waits() -> Iterator[None]:
    """Let a busy machine add no line of patience to what a command says."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(speech, "PATIENCE_S", 3600.0)
        yield


@pytest.fixture(autouse=True)
def _no_law_stays() -> Iterator[None]:
    """End the hosts of laws that a test began: they live as long as this process."""
    yield
    laws = sys.modules.get("harness.play.host.laws")
    if laws is not None:
        laws.end_nursery()


@pytest.fixture(scope="session")
def undrawn() -> Callable[[], AbstractContextManager[None]]:
    """Return what leaves the figures, the page and the PDF of runs out.

    They take two thirds of the time of a run, and many a test only reads its words.
    """
    from harness.archive import run_folder
    from harness.report.formats import renderings

    def words_alone(report: object, *_: object, **__: object) -> dict[str, bytes]:
        return renderings(report, ["json"])

    @contextmanager
    def left_out() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_folder, "figures", lambda _: {})
            patch.setattr(run_folder, "renderings", words_alone)
            yield

    return left_out


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
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        violations, passed = page.evaluate(AXE)
        assert len(passed) > 10, "axe-core looked at an empty page"
        saw_text = "color-contrast" in {*passed, *(fault["id"] for fault in violations)}
        assert saw_text, "axe-core saw no text"
        return [
            f"{fault['id']} ({fault['impact']}): {node['html']}"
            for fault in violations
            for node in fault["nodes"]
        ]

    return faults


@pytest.fixture(scope="session")
def poppler() -> None:
    """Skip where no poppler is installed; fail where one is asked for."""
    if shutil.which("pdftotext") is None or shutil.which("pdfinfo") is None:
        if os.environ.get("CCMLAB_REQUIRE_POPPLER") == "1":
            pytest.fail("CCMLAB_REQUIRE_POPPLER=1, but poppler is not installed")
        pytest.skip("poppler is not installed")


@pytest.fixture(scope="session")
def text_of_pdf(poppler: None) -> Callable[[bytes], str]:
    """Return what tells the text of a PDF, each blank a plain one."""

    def told(pdf: bytes) -> str:
        command = ("pdftotext", "-enc", "UTF-8", "-", "-")
        done = subprocess.run(command, input=pdf, capture_output=True, check=True)
        return " ".join(done.stdout.decode().split())

    return told
