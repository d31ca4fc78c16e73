"""A forecast in words, for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from math import isfinite
from typing import Any, Final

from harness.common.tidy import TidyTable
from harness.study.ahead.apart import NOT_MEASURED
from harness.study.ahead.forecast import NO_DIFFERENCE, Forecast

WHO: Final = {
    "patient": "the scenario's patient comes each time",
    "anybody": "another virtual patient comes each time, of all response laws alike",
}
_SHOWN: Final = ("improved", NO_DIFFERENCE, "harmful as found", "stopped for safety")
_HEAD: Final = ("readout", "plan", "tests", "unpleasant", "minutes", *_SHOWN)
_COUNTS: Final = (
    ("tests", "apart", 1),
    ("unpleasant_events", "unpleasant_apart", 2),
    ("visit_minutes", "minutes_apart", 1),
)
_LEAST_SPREAD_MIN: Final = 0.05  # less shows nothing at one decimal
Row = Mapping[str, Any]


def forecast_text(ahead: Forecast) -> str:
    """Return all that a forecast says, the scenario's own readout and plan first."""
    readout, plan = ahead.own
    return "\n".join(
        [
            ahead.title,
            f"{readout}, {plan}, {ahead.strategy}; {WHO[ahead.whom]}",
            f"{ahead.n_visits} visits of each readout and plan, engine {ahead.engine}",
            "",
            "minutes by phase: mean (5 to 95 % of visits)",
            *_phase_lines(ahead),
            "",
            "tests that fit and unpleasant events (means), and the chance of each"
            " verdict (95 % Monte Carlo limits)",
            *_aligned([_HEAD, *_cell_rows(ahead)]),
            *_apart_lines(ahead),
            "",
            "power: chance that the verification shows a true gain of the readout;"
            " in brackets at the SD that these visits had",
            *_aligned(_power_rows(ahead)),
        ]
    )


def _phase_lines(ahead: Forecast) -> Iterator[str]:
    own = ahead.own
    rows = [r for r in ahead.phases.rows() if (r["readout"], r["plan"]) == own]
    for row in rows:
        low, high = row["low_minutes"], row["high_minutes"]
        spreads = high - low > _LEAST_SPREAD_MIN
        about = f" ({low:.1f} to {high:.1f})" if spreads else ""
        yield f"  {row['phase']:<22}{row['minutes']:6.1f}{about}"
    yield f"  {'the whole visit':<22}{sum(row['minutes'] for row in rows):6.1f}"


def _cell_rows(ahead: Forecast) -> Iterator[Sequence[str]]:
    verdicts = _by_cell(ahead.verdicts)
    for tests in ahead.tests.rows():
        key = tests["readout"], tests["plan"]
        counts = [f"{tests[name]:.{digits}f}" for name, _, digits in _COUNTS]
        yield (*key, *counts, *(_chance(verdicts[key][name]) for name in _SHOWN))


def _by_cell(verdicts: TidyTable) -> dict[tuple[str, str], dict[str, Row]]:
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in verdicts.rows():
        found.setdefault((row["readout"], row["plan"]), {})[row["verdict"]] = row
    return found


def _chance(row: Row) -> str:
    return f"{row['chance']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _apart_lines(ahead: Forecast) -> Iterator[str]:
    """Yield how far the table engine lies from beats, beside each of its numbers."""
    if ahead.engine == "beats":
        return
    yield ""
    title = "the table engine less beats: mean paired difference (95 % limits)"
    verdicts = _by_cell(ahead.verdicts)
    rows = [_apart_row(row, verdicts) for row in ahead.tests.rows()]
    if not any(row["apart_n"] for row in ahead.tests.rows()):
        yield f"{title}: {NOT_MEASURED}"
        return
    yield title
    yield from _aligned([(*_HEAD, "of visits"), *rows])


def _apart_row(
    tests: Row, verdicts: Mapping[tuple[str, str], Mapping[str, Row]]
) -> Sequence[str]:
    key = tests["readout"], tests["plan"]
    if not tests["apart_n"]:
        return (*key, NOT_MEASURED)
    gaps = [_gap(tests, name, digits) for _, name, digits in _COUNTS]
    gaps += [_gap(verdicts[key][name], "apart", 2) for name in _SHOWN]
    return (*key, *gaps, str(tests["apart_n"]))


def _gap(row: Row, name: str, digits: int) -> str:
    told, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    text = f"{told:+.{digits}f}"
    if isfinite(low) and high > low:
        text += f" ({low:+.{digits}f} to {high:+.{digits}f})"
    return text


def _power_rows(ahead: Forecast) -> list[Sequence[str]]:
    by_readout: dict[str, list[Row]] = {}
    for row in ahead.power.rows():
        by_readout.setdefault(row["readout"], []).append(row)
    (first, *_) = by_readout.values()
    gains = [f"{row['gain_pct']:g} %" for row in first]
    return [
        ("readout", "pairs", "SD of a pair", *gains, "least gain with 80 %"),
        *(_power_row(readout, rows) for readout, rows in by_readout.items()),
    ]


def _power_row(readout: str, rows: Sequence[Row]) -> Sequence[str]:
    first = rows[0]
    seen = f" ({first['seen_pair_sd_pct']:.1f})"
    known = isfinite(first["seen_pair_sd_pct"])
    powers = [
        f"{row['power']:.2f}" + (f" ({row['power_seen']:.2f})" if known else "")
        for row in rows
    ]
    return (
        readout,
        str(first["n_pairs"]),
        f"{first['pair_sd_pct']:.1f}{seen if known else ''} %",
        *powers,
        f"{first['least_gain_pct']:.1f} %",
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    columns = zip_longest(*rows, fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    for row in rows:
        cells = zip(row, widths, strict=False)
        yield "  " + "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
