"""The board in the page's words: what each part of the page shows, ready to be set."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.clinic.board import Board
from harness.clinic.words import (
    NAMES,
    OFF,
    change_text,
    chart_rows,
    is_off,
    minutes_text,
    name_of,
    quantity_of,
    says,
    value_text,
    values_text,
)
from harness.common.words import HARD_SPACE, decimal
from harness.play.stream.messages import ResultMessage
from sim.device.lattice import Value, parameters

EFFECT_DIGITS: Final = 1
LOG_LINES: Final = 30
VERDICTS: Final[Mapping[str, str]] = {
    "improved": "improved",
    "equivalent": "no difference",
    "inconclusive": "inconclusive",
    "harmful as found": "CCM did harm",
    "stopped for safety": "stopped",
}


def values_view(board: Board, names: Iterable[str], model: str) -> list[dict[str, Any]]:
    """Return values that may be moved: as shown, in the device, in conflict."""
    screen = board.screen
    if screen is None:
        return []
    wrong = {name for item in screen.wrong for name in item.names}
    table, rows = parameters(model), []
    for name in (n for n in names if n in screen.programmed and n in table):
        programmed, now = screen.programmed[name], board.on_screen[name]
        pending, values = now != programmed, table[name].values
        place = place_in(values, now)
        rows.append(
            {
                "name": name,
                "title": NAMES.get(name) or table[name].label,
                "value": value_text(name, now),
                "was": f"now {_bare(name, programmed)}" if pending else "as now",
                "pending": pending,
                "clash": pending and name in wrong,
                "lowest": place == 0,
                "highest": place == len(values) - 1,
            }
        )
    return rows


def place_in(values: Sequence[Value], value: Value) -> int:
    """Return where a value stands among those of the device; of numbers the nearest."""
    if value in values or isinstance(value, str):
        return values.index(value)
    gaps = [abs(float(other) - float(value)) for other in values]
    return gaps.index(min(gaps))


def _bare(name: str, value: Value) -> str:
    return value_text(name, value).partition(HARD_SPACE)[0]


def screen_view(board: Board, model: str, *, whole: bool) -> dict[str, Any]:
    """Return the programmer: state in a word, conflicts, what else would change.

    The values that are searched are `axes`; with `whole` all others that the device
    has are there too.
    """
    screen = board.screen
    if screen is None:
        state = {"state": "not linked", "busy": "", "wrong": [], "also": ""}
        return state | {"axes": [], "others": []}
    also = [name for name in screen.pending if name not in board.axes]
    others = [n for n in parameters(model) if n not in board.axes] if whole else []
    return {
        "state": _state(board),
        "busy": screen.busy,
        "link": screen.link,
        "button": screen.button,
        "wrong": [f"Conflict: {item.reason}" for item in screen.wrong],
        "also": values_text(screen.pending, also) and _also(screen.pending, also),
        "axes": values_view(board, board.axes, model),
        "others": values_view(board, others, model),
    }


def _also(pending: Mapping[str, Value], names: Sequence[str]) -> str:
    told = (f"{name_of(n).lower()} {value_text(n, pending[n])}" for n in names)
    return f"Also changes: {', '.join(told)}"


def _state(board: Board) -> str:
    screen = board.screen
    if screen is None or not screen.link:
        return "no link"
    if screen.busy:
        return "busy"
    return "CCM is off" if is_off(screen.programmed) else "ready"


def result_row(
    test: ResultMessage, axes: Sequence[str], predicted: str
) -> dict[str, Any]:
    """Return one test for the chart and the table; a void one has no gain."""
    ended = "void" if test.ended == "done" and test.gain_pct is None else test.ended
    reasons = {"felt": f"felt, grade {test.sensation_grade}", "void": test.void}
    reason = reasons.get(ended) or test.aborted
    notes = [text for text in (reason, test.filter_note) if text]
    return {
        "number": test.test,
        "values": tested_values(test.settings, axes),
        "predicted": predicted,
        "by": test.by,
        "plan": test.plan,
        "ended": ended,
        "gain": test.gain_pct,
        "low": test.low_pct,
        "high": test.high_pct,
        "felt": test.sensation_grade,
        "minutes": test.minutes,
        "reason": "; ".join(dict.fromkeys(notes)),
        "says": _says(test),
    }


def tested_values(settings: Mapping[str, Value], axes: Sequence[str]) -> list[str]:
    """Return the searched values of a test; where CCM is off they say nothing."""
    if is_off(settings):
        return [OFF, *("",) * (len(axes) - 1)]
    return [value_text(name, settings[name]) for name in axes]


def _says(test: ResultMessage) -> str:
    if test.low_pct is None or test.high_pct is None:
        return ""
    return says(test.low_pct, test.high_pct)


def band_view(board: Board, now_s: float) -> dict[str, str]:
    """Return the band: what changed, what it did, how long there is left."""
    return {**_what(board, now_s), **_left(board, now_s)}


def _what(board: Board, now_s: float) -> dict[str, str]:
    if board.verdict is not None:
        return _of_verdict(board)
    if board.verifies:
        return _of_verification(board)
    titrates = board.left_s(now_s) is not None
    if titrates and board.screen is not None and board.screen.busy:
        return _of_running(board)
    if board.tests:
        return _of_test(board, board.tests[-1])
    return _band("Now", board.phase_name.capitalize() or "Waiting", "", "", "")


def _band(what: str, change: str, of: str, effect: str, ci: str) -> dict[str, str]:
    return {"what": what, "change": change, "of": of, "effect": effect, "ci": ci}


def _of_running(board: Board) -> dict[str, str]:
    screen = board.screen
    busy = screen.busy if screen is not None else ""
    asked = board.on_screen if screen is not None and screen.pending else {}
    values = asked or board.programmed
    change = change_text(values, board.reference, board.axes)
    return _band(_named(busy, values, board), change, "Effect", "reading…", "")


def _of_test(board: Board, test: ResultMessage) -> dict[str, str]:
    change = change_text(test.settings, board.reference, board.axes)
    single = ", one reading" if test.plan == "single" else ""
    quantity = quantity_of(board.opened.readout) if board.opened else ""
    of = f"{quantity.capitalize()} against the reference{single}"
    what = _named(f"Test {test.test}", test.settings, board)
    if test.gain_pct is None or test.low_pct is None or test.high_pct is None:
        words = {"felt": "felt", "stopped": "stopped", "refused": "refused"}
        effect = words.get(test.ended, "void")
        return _band(what, change, test.aborted or test.void or of, effect, "")
    return _band(what, change, of, *_effect(test.gain_pct, test.low_pct, test.high_pct))


def _named(what: str, values: Mapping[str, Value], board: Board) -> str:
    """Return what the band tells of, with the value where it is only one."""
    what = what[:1].upper() + what[1:]
    changed = [n for n in board.axes if values.get(n) != board.reference.get(n)]
    changed = [] if is_off(values) else changed
    return f"{what}: {name_of(changed[0]).lower()}" if len(changed) == 1 else what


def _effect(gain: float, low: float, high: float) -> tuple[str, str]:
    ends = (decimal(end, EFFECT_DIGITS, signed=True) for end in (low, high))
    ci = f"95{HARD_SPACE}%: {' to '.join(ends)}"
    return f"{decimal(gain, EFFECT_DIGITS, signed=True)}{HARD_SPACE}%", ci


def _of_verification(board: Board) -> dict[str, str]:
    done = sum(pair.purpose == "verification" for pair in board.pairs)
    planned = board.opened.verification_pairs if board.opened else 0
    return _band(
        "Verification, fresh pairs",
        f"{done} of {planned}",
        "Effect",
        "closed",
        "no look before the end",
    )


def _of_verdict(board: Board) -> dict[str, str]:
    verdict = board.verdict
    if verdict is None:
        return {}
    word = VERDICTS.get(verdict.verdict, verdict.verdict)
    if verdict.gain_pct is None or verdict.low_pct is None or verdict.high_pct is None:
        return _band("Verdict", word, verdict.reason, "", "")
    of = f"Fresh pairs: {verdict.pairs_done} done, {verdict.pairs_void} void"
    told = _effect(verdict.gain_pct, verdict.low_pct, verdict.high_pct)
    return _band("Verdict", word, of, *told)


def _left(board: Board, now_s: float) -> dict[str, str]:
    left_s = board.left_s(now_s)
    if left_s is None:
        place = f"{board.phase} of {len(board.phases())}" if board.phase else ""
        return {"clock": "Step", "left": place}
    return {"clock": "Left to titrate", "left": minutes_text(left_s)}


def card_view(board: Board) -> list[tuple[str, str]]:
    """Return what the clinic knows of the patient, as rows of a chart."""
    if board.opened is None:
        return []
    return chart_rows(board.opened.card)


def log_view(board: Board) -> list[dict[str, Any]]:
    """Return the last lines of the log, the newest first."""
    lines = list(board.log)[-LOG_LINES:]
    return [{"at_s": line.at_s, "text": line.text} for line in reversed(lines)]


def alert_text(board: Board) -> str:
    """Return what should not have happened, and what was done; empty for nothing."""
    alert = board.alert
    return f"{alert.alert}: {alert.action}" if alert is not None else ""


def advice_text(board: Board) -> str:
    """Return what the strategy advises, in one line; empty when nothing was asked."""
    advice = board.advice
    if advice is None:
        return ""
    if not advice.settings:
        return "nothing more to try"
    return values_text(advice.settings, board.axes)
