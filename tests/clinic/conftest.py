"""A clinic for tests: short visits, a server in a thread, a browser window in it."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.clinic import room as room_module
from harness.clinic import rooms as rooms_module
from harness.clinic.afterwards import Afterwards
from harness.clinic.guard import hosts_of
from harness.clinic.room import Room
from harness.clinic.rooms import Rooms
from harness.clinic.serve import HERE, listening_on, server
from harness.clinic.server import application
from harness.clinic.session import LiveSession
from harness.play.scenario import load_scenario
from harness.play.stream.actions import ActionLog

SHORT = {
    "visit.titration_min": 12.0,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.baseline_min": 10.0,
    "visit.observation_min": 5.0,
    "visit.strips": "none",
}
SLICE_S = 120.0
TICK_S = 0.05
"""So that a test does not wait for a clock that it is not about."""
KEPT_EMPTY_S = 15.0


def short_log(name: str = "first_visit", seed: int | None = None) -> ActionLog:
    """Return a visit that has all its phases and little time in them."""
    scenario = load_scenario(name).changed(SHORT)
    return ActionLog(
        scenario=scenario,
        scenario_name=name,
        seed=scenario.seed if seed is None else seed,
        strategy=scenario.search.strategy,
        person=True,
    )


def until_asked(session: LiveSession) -> LiveSession:
    """Let a session live until it waits for a person, or is over."""
    while not session.waits and not session.over:
        session.to_next_event(session.now_s + SLICE_S)
    return session


@pytest.fixture(scope="session")
def short() -> Callable[..., ActionLog]:
    """Return what makes the log of a short visit."""
    return short_log


@pytest.fixture
def session() -> Iterator[LiveSession]:
    """Return a visit at its first question."""
    made = until_asked(LiveSession.of(short_log()))
    yield made
    made.close()


class ServedClinic:
    """A clinic that is served while tests go on."""

    def __init__(self, rooms: Rooms, url: str) -> None:
        self.rooms = rooms
        self.url = url

    @property
    def room(self) -> Room:
        """The room that was opened last."""
        return list(self.rooms._running)[-1]

    @property
    def session(self) -> LiveSession:
        """The visit in the room that was opened last."""
        return self.room.session


@pytest.fixture(autouse=True)
def _apart_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process for reports start with the first of them: few tests have any."""
    monkeypatch.setattr(Afterwards, "prepare", lambda self: None)


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedClinic]:
    """Serve short visits, whose clock looks more often: the one clinic of a worker."""
    listening = listening_on(HERE, 0)
    port = listening.getsockname()[1]
    rooms = Rooms(tmp_path_factory.mktemp("visits"), kept_empty_s=KEPT_EMPTY_S)
    web = server(application(rooms, hosts_of((), port)))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms_module, "log_of", short_log)
        patch.setattr(room_module, "TICK_S", TICK_S)
        thread.start()
        limit_s = time.monotonic() + 30.0
        while not web.started and time.monotonic() < limit_s:
            time.sleep(0.02)
        yield ServedClinic(rooms, f"http://{HERE}:{port}/")
        web.should_exit = True
        thread.join()
    listening.close()
