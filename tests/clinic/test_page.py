"""The page in a real browser: by keyboard alone, legible, nothing given away.

The visits are short, the page and the server are those that people get.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from harness.clinic.pace import FIXED
from harness.play.stream.live import LiveVisit
from harness.truth.score import Scorer
from sim.units import S_PER_H
from sim.visit.record import VisitRecord

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)  # a busy machine is no fault of the page

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
OPENED = 3
"""The part of the debrief that opens the truth."""
PATIENT = 2
"""The third patient of the list: `first_visit`."""

PRESSED_MS = 80
"""A window may want something fifteen times a second."""
# drawing sixty times a second takes more of the machine than all that is tested here
TEN_A_SECOND = """
window.drawSoon = requestAnimationFrame;
window.requestAnimationFrame = (f) => setTimeout(() => drawSoon(f), 100);
"""

FAULTS = """() => {
  const faults = [], seen = (e) => e.offsetParent !== null && !e.closest('.scroll');
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  const visit = !document.getElementById('visit').hidden;
  if (visit && innerWidth > 1100 && root.scrollHeight > innerHeight)
    faults.push('the visit scrolls');
  for (const e of document.querySelectorAll('body *')) {
    if (!seen(e) || e.classList.contains('unseen') || e.closest('svg')) continue;
    if (getComputedStyle(e).display === 'inline') continue;
    if (e.clientWidth && e.scrollWidth > e.clientWidth + 1)
      faults.push(`#${e.id}.${e.className} is cut: ${e.textContent.slice(0, 40)}`);
  }
  for (const e of document.querySelectorAll('button, select, input, a.button')) {
    const box = e.getBoundingClientRect();
    const small = e.type === 'checkbox' ? 22 : 44;
    if (seen(e) && (box.height < small || box.width < small))
      faults.push(`small: ${e.textContent || e.id} ${box.width}x${box.height}`);
  }
  const numbers = '.big, .value, .numbers dd, .ci, #time, .was, #phases li';
  for (const e of document.querySelectorAll(numbers)) {
    const lines = parseFloat(getComputedStyle(e).lineHeight);
    if (seen(e) && e.textContent && e.clientHeight > 1.9 * lines + 12)
      faults.push(`wrapped: ${e.textContent}`);
  }
  const band = document.querySelectorAll('.band .big');
  for (const e of band)
    if (seen(e) && parseFloat(getComputedStyle(e).fontSize) < 30)
      faults.push('the band is small');
  const places = [...band].filter((e) => seen(e) && e.textContent)
    .map((e) => e.getBoundingClientRect());
  places.forEach((a, n) => places.slice(n + 1).forEach((b) => {
    if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      faults.push('the band collides');
  }));
  return faults;
}"""


@contextmanager
def window_on(browser: Browser, url: str) -> Iterator[Page]:
    """Open a window on the start of the clinic; a fault of its script fails."""
    context = browser.new_context(viewport=DESK)
    context.add_init_script(TEN_A_SECOND)
    window = context.new_page()
    faults: list[str] = []
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on(
        "console",
        lambda told: faults.append(told.text) if told.type == "error" else None,
    )
    window.goto(url)
    yield window
    context.close()
    assert faults == []


@pytest.fixture
def page(browser: Browser, clinic: Any) -> Iterator[Page]:
    """Return a window on the start of the clinic."""
    with window_on(browser, clinic.url) as window:
        yield window


def tab_to(page: Page, text: str) -> None:
    """Move the focus by the tabulator alone until it is at a button."""
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate("document.activeElement.textContent")
        if at.startswith(text):
            return
    pytest.fail(f"the tabulator does not reach {text!r}")


def begin(page: Page, mode: str = "Play alone") -> None:
    """Come to a visit that has begun, by the keyboard alone."""
    expect(page.get_by_role("button", name=mode)).to_be_visible()
    tab_to(page, mode)
    page.keyboard.press("Enter")
    expect(page.locator("#patients button").nth(PATIENT)).to_be_visible(timeout=60_000)
    tab_to(page, "Patient C")
    page.keyboard.press("Enter")
    expect(page.locator("#begin")).to_be_visible(timeout=60_000)
    tab_to(page, "Let the patient in")
    page.keyboard.press("Enter")
    expect(page.locator("#visit")).to_be_visible()


def on(page: Page, until: str, limit_s: float = 120.0) -> None:
    """Press the key for the next event until a place is seen."""
    limit = time.monotonic() + limit_s
    while not page.locator(until).first.is_visible():
        assert time.monotonic() < limit, page.locator("#prompt").inner_text()
        page.keyboard.press("n")
        page.wait_for_timeout(PRESSED_MS)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(PRESSED_MS)


def press_until_pressed(page: Page, key: str) -> None:
    """Predict, and wait until the page shows it."""
    page.keyboard.press(key)
    expect(page.locator("#predict [aria-pressed=true]")).to_be_visible()


def run_test(page: Page) -> None:
    """Raise the amplitude, predict, test in a pair, all by keys."""
    press(page, "ArrowUp", "ArrowRight")
    press_until_pressed(page, "r")
    press(page, "t")
    expect(page.locator("#predict")).to_be_hidden()


def whole_visit(page: Page) -> None:
    """Play from the first question to the end, by keys."""
    on(page, "#predict")
    run_test(page)
    on(page, "#predict")
    press(page, "v")
    on(page, "[data-name^='Verify what is on']")
    press(page, "2")
    on(page, "#debrief")


@dataclass(frozen=True, eq=False)
class SeenVisit:
    """A whole visit, played by keys, as one window saw it.

    `frames` came before the truth was opened, `opened` after; `faults` has what was
    wrong with each part of the debrief, by size and scheme.
    """

    live: LiveVisit
    record: VisitRecord
    frames: list[str]
    opened: list[str]
    faults: dict[int, dict[str, Any]]
    headings: list[str]


@pytest.fixture(scope="module")
def seen(
    browser: Browser, clinic: Any, axe_faults: Callable[[Page], list[str]]
) -> SeenVisit:
    """Play a whole visit and its debrief by keys alone, once for all who ask of it."""
    frames: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(str(frame)))

    with window_on(browser, clinic.url) as page:
        page.on("websocket", listen)
        begin(page)
        whole_visit(page)
        live = clinic.session.live
        faults = {0: faults_in_each_look(page, axe_faults)}
        headings, n_closed = [], 0
        for part in range(1, 5):
            n_closed = len(frames) if part == OPENED else n_closed
            headings.append(next_part(page, part))
            faults[part] = faults_in_each_look(page, axe_faults)
        page.locator("#own-words").fill("I would have asked for a pair.")
        page.get_by_role("button", name="Say it").click()
        expect(page.locator(".sayings li")).to_contain_text("asked for a pair")
        page.get_by_role("button", name="Same patient again").click()
        expect(page.locator("#card")).to_be_visible(timeout=60_000)
    closed, opened = frames[:n_closed], frames[n_closed:]
    return SeenVisit(live, live.record, closed, opened, faults, headings)


def next_part(page: Page, part: int) -> str:
    """Release the next part of the debrief by the keyboard; return its heading."""
    tab_to(page, "Next: ")
    page.keyboard.press("Enter")
    expect(page.locator("#debrief-h")).to_contain_text(f"Debrief {part} of 4")
    if part in (2, OPENED):
        expect(page.locator(".figures")).to_be_visible(timeout=120_000)
    return page.locator("#debrief-lede").inner_text()


@pytest.mark.slow
def test_a_whole_visit_is_played_by_keyboard_alone_and_replays(seen: SeenVisit) -> None:
    with LiveVisit.replayed(seen.live.actions, strips=False) as again:
        assert again.record.events == seen.record.events
        assert again.record.final == seen.record.final
        beats = seen.record.beats.rows
        assert again.record.beats.rows.tobytes() == beats.tobytes()


PAGE_KEYS = {
    "type", "role", "title", "code", "programmer_code", "students", "pace", "steps",
    "frozen", "debrief", "phases", "card", "screen", "band", "tests", "axes",
    "quantity", "prompt", "minutes", "predicted", "expected", "answer", "alert",
    "advice", "vote", "log", "over", "sayings", "lesson",
}  # fmt: skip
TICK_KEYS = {"type", "at_s", "rate", "numbers", "piece", "fresh"}


@pytest.mark.slow
def test_frames_before_the_reveal_hold_nothing_true(seen: SeenVisit) -> None:
    live = seen.live
    scorer = Scorer.of(live.played())
    hidden = (
        live.order.patient.phenotype,
        live.order.patient.response.name,
        live.actions.scenario_name,
        "response_law",
        "true_gain",
        f"{scorer.truth.attainable_gain_pct:.4f}",
    )
    assert len(seen.frames) > 50
    for frame in seen.frames:
        assert [word for word in hidden if word in frame] == []
        told = json.loads(frame)
        keys = {"page": PAGE_KEYS, "tick": TICK_KEYS, "said": {"type", "text", "do"}}
        assert set(told) <= keys[told["type"]]
    assert ["The truth was" in heading for heading in seen.headings] == [
        False, False, True, True,
    ]  # fmt: skip
    assert any("true_gain" in frame for frame in seen.opened)


@pytest.mark.slow
def test_every_part_of_the_debrief_is_legible(seen: SeenVisit) -> None:
    assert seen.faults == {part: {} for part in range(5)}


def test_the_button_of_a_test_waits_for_a_prediction(page: Page) -> None:
    begin(page)
    on(page, "#predict")
    test = page.locator("[data-key='Test in a pair']")
    expect(test).to_be_disabled()
    press(page, "ArrowUp", "ArrowRight", "t")
    expect(page.locator("#said")).to_contain_text("say first what you expect")
    press_until_pressed(page, "d")
    expect(test).to_be_enabled()
    press(page, "ArrowRight")
    expect(test).to_be_disabled()


@pytest.mark.slow
def test_the_wand_is_put_back_where_a_test_would_be_begun(
    page: Page, clinic: Any
) -> None:
    begin(page)
    on(page, "#predict")
    page.get_by_role("button", name="Happenings").click()
    page.get_by_label("What happens").select_option("Wand away")
    page.get_by_role("button", name="Let it happen").click()
    page.get_by_role("button", name="Programmer", exact=True).click()
    expect(page.locator("#prog-state")).to_have_text("no link")
    expect(page.locator("#prompt")).to_contain_text("put the wand back")
    expect(page.locator("[data-key='Test in a pair']")).to_be_hidden()
    expect(page.locator("[data-key='Put the wand back']")).to_be_visible()
    assert page.evaluate(FAULTS) == []
    press(page, "b")
    expect(page.locator("#prog-state")).to_have_text("ready")
    expect(page.locator("[data-key='Test in a pair']")).to_be_visible()
    expect(page.locator("[data-key='Put the wand back']")).to_be_hidden()
    assert clinic.session.live.visit.programmer.wand.linked


@pytest.mark.slow
def test_a_reload_in_a_pair_finds_the_same_visit(page: Page) -> None:
    begin(page)
    on(page, "#predict")
    run_test(page)
    press(page, "1")
    pending = page.locator("#axes").inner_text()
    before_s = seconds(page.locator("#time").inner_text())
    page.reload()
    expect(page.locator("#axes")).to_be_visible()
    assert page.locator("#axes").inner_text() == pending
    expect(page.locator("#time")).not_to_have_text("0:00:00")
    after_s = seconds(page.locator("#time").inner_text())
    assert 0 <= after_s - before_s < 10
    expect(page.locator("#prog-state")).to_contain_text("read")


def seconds(clock: str) -> int:
    hours, minutes, rest = (int(part) for part in clock.split(":"))
    return hours * 3600 + minutes * 60 + rest


def in_states(page: Page) -> Iterator[str]:
    """Bring a window through the states of a visit, and name each."""
    yield "start"
    page.get_by_role("button", name="Play alone").click()
    expect(page.locator("#patients button").first).to_be_visible(timeout=60_000)
    yield "who"
    page.locator("#patients button").nth(PATIENT).click()
    expect(page.locator("#begin")).to_be_visible(timeout=60_000)
    yield "card"
    page.locator("#begin").click()
    page.wait_for_timeout(600)
    yield "check-in"
    on(page, "#predict")
    yield "asked"
    press(page, "ArrowUp", "ArrowRight", "ArrowDown", "ArrowRight")
    press_until_pressed(page, "r")
    press(page, "h")
    expect(page.locator("#advice p")).to_be_visible()
    yield "predicted"
    press(page, "t")
    page.wait_for_timeout(600)
    yield "reading"
    on(page, "#predict")
    yield "tested"
    page.get_by_role("button", name="Table").click()
    yield "table"
    page.get_by_role("button", name="Other values").click()
    page.get_by_label("Which value").select_option("mode")
    expect(page.locator("#axes .value")).to_have_text("OVO-LS-CCM")
    yield "other values"
    page.get_by_role("button", name="Other values").click()
    page.get_by_role("button", name="Happenings").click()
    yield "happenings"


def drawn_anew(page: Page) -> None:
    """Wait until the page has been laid out and drawn, whatever the machine's load."""
    page.evaluate(
        f"new Promise((done) => {'requestAnimationFrame(() => ' * 3}done(){')' * 3})"
    )


def both(page: Page) -> Iterator[tuple[str, str]]:
    """Show a state in each size and scheme."""
    for size, name in ((DESK, "desk"), (PHONE, "phone")):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(120)
            drawn_anew(page)
            yield name, scheme
    page.set_viewport_size(DESK)


@pytest.mark.slow
def test_every_state_is_legible_and_within_reach_in_each_size_and_scheme(
    page: Page, axe_faults: Callable[[Page], list[str]]
) -> None:
    found: dict[str, Any] = {}
    for state in in_states(page):
        for size, scheme in both(page):
            faults = [*page.evaluate(FAULTS), *axe_faults(page)]
            if faults:
                found[f"{state}, {size}, {scheme}"] = faults
    assert found == {}


@pytest.mark.slow
def test_a_window_made_narrow_redraws_its_trend_without_waiting_for_a_beat(
    page: Page,
) -> None:
    begin(page)
    page.evaluate("() => { requestAnimationFrame = drawSoon; }")
    page.keyboard.press("2")
    expect(page.locator("#trend canvas")).to_be_visible()
    for size in (PHONE, DESK, PHONE):
        page.set_viewport_size(size)
        drawn_anew(page)
        assert (
            page.evaluate(
                "document.querySelector('#trend .uplot').clientWidth"
                " - document.getElementById('trend').clientWidth"
            )
            == 0
        )
        assert page.evaluate(FAULTS) == []


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param(0.5, marks=pytest.mark.slow),
        pytest.param(8.0, marks=pytest.mark.soak),
    ],
)
def test_a_window_that_looks_on_for_hours_takes_no_more_memory(
    page: Page, clinic: Any, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    monkeypatch.setitem(FIXED, "60", HURRIED)
    begin(page)
    on(page, "#predict")
    press(page, "3")
    look_on(page, clinic, WARM_S)
    before = heap_bytes(page)
    look_on(page, clinic, hours * S_PER_H)
    assert heap_bytes(page) < before + HEAP_BYTES


HURRIED = 600.0
WARM_S = 900.0
"""By then strips and trend are full."""
HEAP_BYTES = 1_000_000
"""A beat a second for eight hours would take more, if the page kept a row of it."""


def look_on(page: Page, clinic: Any, for_s: float) -> None:
    until_s = clinic.session.now_s + for_s
    while clinic.session.now_s < until_s:
        page.wait_for_timeout(100)


def heap_bytes(page: Page) -> float:
    """Return what the script of a page holds, after a collection of its garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: float = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


@pytest.mark.slow
def test_with_reduced_motion_nothing_moves_but_the_numbers(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    begin(page)
    page.wait_for_timeout(1500)
    assert page.evaluate("document.getAnimations().length") == 0
    expect(page.locator("#numbers dd").first).not_to_have_text("–")


@pytest.mark.slow
def test_two_windows_see_one_visit_and_one_is_told_that_the_programmer_is_busy(
    browser: Browser, page: Page, clinic: Any
) -> None:
    begin(page, "Teach a class")
    on(page, "#predict")
    code = clinic.room.programmer_code
    context = browser.new_context(viewport=PHONE)
    context.add_init_script(TEN_A_SECOND)
    other = context.new_page()
    other.goto(f"{clinic.url}#code={code}")
    other.get_by_role("button", name="Join as a student").click()
    expect(other.locator("#axes button").first).to_be_visible()
    run_test(page)
    other.keyboard.press("t")
    expect(other.locator("#said")).to_contain_text("busy")
    press(page, "Space")
    expect(page.locator("[data-key=pause][aria-pressed=true]")).to_be_visible()
    page.wait_for_timeout(600)
    shown = [window.locator(".value").all_inner_texts() for window in (page, other)]
    screen = clinic.session.view("teacher")["screen"]
    assert shown == [[axis["value"] for axis in screen["axes"]]] * 2
    context.close()


@pytest.mark.slow
def test_a_student_sees_the_vote_and_programs_nothing(
    browser: Browser, page: Page, clinic: Any
) -> None:
    begin(page, "Teach a class")
    code = page.locator("#class-code").inner_text().split()[-1]
    context = browser.new_context(viewport=PHONE)
    context.add_init_script(TEN_A_SECOND)
    student = context.new_page()
    student.goto(f"{clinic.url}#code={code}")
    student.get_by_role("button", name="Join as a student").click()
    expect(student.locator("#visit")).to_be_visible()
    on(page, "#predict")
    student.get_by_role("button", name="falls").click()
    expect(student.locator("#prompt")).to_contain_text("You predict: falls")
    expect(page.locator("#expected")).to_have_text("1 in the class has predicted")
    assert page.locator("#predict-row [aria-pressed=true]").count() == 0
    student.reload()
    expect(student.locator("#prompt")).to_contain_text("You predict: falls")
    page.get_by_role("button", name="Teacher", exact=True).click()
    page.get_by_placeholder("Vote:").fill("again; 5.5 V; stop")
    page.get_by_role("button", name="Open", exact=True).click()
    student.get_by_role("button", name="5.5 V").click()
    student.reload()
    expect(student.locator("#vote [aria-pressed=true]")).to_have_text("5.5 V")
    expect(page.locator("#vote")).to_contain_text("1 so far")
    expect(page.locator(".tally")).to_have_count(0)
    page.get_by_label("Hands for again").fill("7")
    page.get_by_role("button", name="Close the vote").click()
    expect(student.locator(".tally .n").first).to_have_text("7")
    expect(student.locator("#actions")).to_be_hidden()
    assert student.evaluate(FAULTS) == []
    context.close()


def faults_in_each_look(page: Page, axe: Callable[[Page], list[str]]) -> dict[str, Any]:
    """Return what is wrong with what is seen, by size and scheme."""
    found = {}
    for size, scheme in both(page):
        faults = [*page.evaluate(FAULTS), *axe(page)]
        if faults:
            found[f"{size}, {scheme}"] = faults
    return found


@pytest.mark.slow
def test_a_lesson_is_played_step_by_step_and_is_legible(
    page: Page, axe_faults: Callable[[Page], list[str]]
) -> None:
    page.get_by_role("button", name="Lessons").click()
    page.get_by_role("button", name="A stronger beat").click()
    expect(page.locator("#lesson-h")).to_contain_text("1 of 4", timeout=60_000)
    press(page, "1")
    expect(page.locator("#lesson")).to_contain_text("10 of 10", timeout=60_000)
    page.get_by_role("button", name="Next step").click()
    expect(page.locator("#lesson-h")).to_contain_text("2 of 4")
    page.get_by_role("button", name="pulse pressure").click()
    expect(page.locator("#lesson")).to_contain_text("Do:")
    assert faults_in_each_look(page, axe_faults) == {}
    for _ in range(3):
        page.get_by_role("button", name="Next step").click()
        page.wait_for_timeout(300)
    expect(page.locator("#lesson-h")).to_contain_text("questions")
    assert faults_in_each_look(page, axe_faults) == {}
