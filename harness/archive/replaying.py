"""The same visit again from its log of actions, or forked at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Final, Literal

from harness.archive.run_folder import HAND_OUT, NOT_REPLAYED, RUN_FILE
from harness.common.files import BrokenRunError, read_json
from harness.play.run import Run, RunFacts, git_revision, versions
from harness.play.stream.actions import ACTIONS_FILE, ActionLog, log_from
from harness.play.stream.commands import (
    ChangeStrategy,
    ChooseCandidate,
    Command,
    EditScreen,
    HandOver,
)
from harness.play.stream.live import LiveVisit
from harness.play.stream.transcript import Scribe
from harness.truth.answer_key import truth_of
from sim.device.lattice import Value
from sim.textfiles import UnreadableError
from sim.units import S_PER_H, S_PER_MIN
from sim.visit.programmer import settings_text

PlanName = Literal["", "paired", "alternate-every", "single", "replicates"]
LATEST_H: Final = 24.0


class ForkError(ValueError):
    """A visit cannot be forked so; the message says why."""


@dataclass(frozen=True, slots=True)
class Fork:
    """What is done otherwise from a moment on.

    `choose` is what is verified, whatever the search says: "reference", or values by
    symbol that replace those of the reference.
    """

    at_s: float
    strategy: str = ""
    plan: PlanName = ""
    choose: str | Mapping[str, Value] = ""


def read_log(place: str | Path) -> tuple[ActionLog, Mapping[str, str]]:
    """Return the log of a run's folder or of a file; of a folder the hashes too.

    Raises BrokenRunError for what holds no log, ScenarioError for one that is faulty.
    """
    path, hashes = Path(place), dict[str, str]()
    if path.is_dir():
        hashes = _hashes(path)
        path = path / ACTIONS_FILE
    try:
        told = read_json(path)
    except UnreadableError as error:
        raise BrokenRunError(f"{place} holds no log of actions: {error}") from None
    if not isinstance(told, dict):
        raise BrokenRunError(f"{place} holds no log of actions")
    return log_from(told, str(path)), hashes


def _hashes(folder: Path) -> dict[str, str]:
    try:
        about = read_json(folder / RUN_FILE)
    except UnreadableError as error:
        raise BrokenRunError(f"{folder} is no run: {error}") from None
    if isinstance(about, dict) and about.get("kind") == "course":
        raise BrokenRunError(
            f"{folder} is a course, whose visits begin where the ones before ended:"
            " harness.read plays it again as a whole, ccmlab replay one visit alone"
        )
    files = about.get("files") if isinstance(about, dict) else None
    if not isinstance(files, dict):
        raise BrokenRunError(f"{folder} is no run: it has no readable {RUN_FILE}")
    if about.get("kind") == HAND_OUT:
        raise BrokenRunError(f"{folder} is {NOT_REPLAYED}")
    return {str(name): str(value) for name, value in files.items()}


def run_of(live: LiveVisit, scribe: Scribe | None = None) -> Run:
    """Return a finished visit as a run, which can be reported and written.

    With the scribe that listened to it, the run keeps what was told at the bedside.
    """
    log = live.actions
    facts = RunFacts(log.scenario, log.scenario_name, versions(), git_revision())
    transcript = None if scribe is None else scribe.transcript
    return Run(facts, live.played(), {}, log, transcript)


def replay(log: ActionLog, *, recorded: bool = False) -> Run:
    """Play the visit of a log again, to its end.

    `recorded` keeps what was told at the bedside, for the folder of the run.
    """
    scribe = Scribe() if recorded else None
    with LiveVisit.replayed(log, strips=False, listener=scribe) as live:
        return run_of(live, scribe)


def forked(log: ActionLog, fork: Fork, *, recorded: bool = False) -> Run:
    """Play a visit until a moment as it was, then otherwise.

    What was done after the moment is left out; a visit in which a person was asked is
    handed over to the strategy. The streams of noise are the same, and so is all that
    befell the patient beforehand. `recorded` is as in `replay`. Raises ForkError where
    the visit is over by then, or refuses what is to be done.
    """
    kept = replace(log, actions=log.until(fork.at_s).actions)
    scribe = Scribe() if recorded else None
    with LiveVisit.replayed(kept, fork.at_s, strips=False, listener=scribe) as live:
        if live.over:
            raise ForkError(
                f"the visit was over after {live.now_s / S_PER_MIN:.1f} min"
            )
        for command in _commands(fork, live, person=log.person):
            answer = live.command(command)
            if not answer.taken:
                raise ForkError(answer.reason)
        live.advance(inf)
        return run_of(live, scribe)


def _commands(fork: Fork, live: LiveVisit, *, person: bool) -> list[Command]:
    found: list[Command] = []
    if fork.strategy or fork.plan:
        found.append(ChangeStrategy(fork.strategy, fork.plan))
    if fork.choose == "reference":
        found.append(ChooseCandidate("reference"))
    elif not isinstance(fork.choose, str):
        reference = live.visit.reference
        searched = {name: getattr(reference, name) for name in live.task.lattice.axes}
        found += [EditScreen(searched | dict(fork.choose)), ChooseCandidate("screen")]
    elif person:
        found.append(ChooseCandidate("advised"))
    return [*found, HandOver()] if person else found


def time_s(text: str) -> float:
    """Return the seconds of a time after check-in: minutes, or h:mm:ss.

    >>> time_s("90"), time_s("1:30:00")
    (5400.0, 5400.0)
    """
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        at_s = numbers[0] * S_PER_MIN
    elif len(numbers) == 3:
        at_s = numbers[0] * S_PER_H + numbers[1] * S_PER_MIN + numbers[2]
    else:
        at_s = -1.0
    if not 0.0 <= at_s <= LATEST_H * S_PER_H:
        raise ValueError(f"takes minutes after check-in, or h:mm:ss, got {text!r}")
    return at_s


def comparison_text(original: Run, fork: Run) -> str:
    """Return both visits side by side, and the difference of what they left."""
    columns = [_told(run) for run in (original, fork)]
    rows = [("", "as it was", "forked"), *zip(_ROWS, *columns, strict=True)]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    gains = [_left_gain_pct(run) for run in (original, fork)]
    same = "the same patient, the same streams of noise"
    return "\n".join(
        [
            *lines,
            "",
            f"paired difference of the true gain of what is left: "
            f"{gains[1] - gains[0]:+.2f} points ({same})",
        ]
    )


_ROWS: Final = (
    "verdict",
    "tests",
    "verified",
    "read gain (%)",
    "left with",
    "true gain of what is left (%, answer key)",
)


def _told(run: Run) -> tuple[str, ...]:
    record = run.record
    verdict, choice = record.verdict, record.choice
    return (
        verdict.kind,
        str(len(record.tested)),
        settings_text(choice.settings) if choice is not None else "nothing",
        f"{verdict.gain_pct:.1f}" if verdict.gain_pct == verdict.gain_pct else "-",
        settings_text(record.final),
        f"{_left_gain_pct(run):.2f}",
    )


def _left_gain_pct(run: Run) -> float:
    """Return the true window gain of the settings that a visit left."""
    record = run.record
    if record.final == record.reference:
        return 0.0
    left = replace(record, choice=None)
    return truth_of(replace(run.played, record=left)).window_gain_pct
