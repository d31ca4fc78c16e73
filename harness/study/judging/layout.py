"""Which numbers stand beside each other in the tables of page and terminal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from harness.common.words import EN_DASH, between, decimal
from harness.study.judging.board import Line
from harness.study.judging.metrics import METRICS, P_VALUES, Metric
from harness.study.judging.numbers import Estimate
from harness.study.judging.verdicts import TRUTHS, VERDICTS
from harness.study.judging.weights import lost_at
from harness.truth.score import OTHER_ENERGY_WEIGHTS


@dataclass(frozen=True, slots=True)
class ShownCell:
    """What a table shows: the number, its interval below, and what it sorts by."""

    text: str
    below: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; `about` tells what it means."""

    text: str
    about: str


@dataclass(frozen=True, slots=True)
class ShownTable:
    """Rows under heads; the first cell of a row names the contender."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[ShownCell, ...], ...]
    marked: tuple[bool, ...]


Column = tuple[Head, Callable[[Line], ShownCell]]


def metric_column(name: str, *, interval: bool = False) -> Column:
    """Return the column of one metric, with its 95 % interval if asked."""
    metric = METRICS[name]

    def shown(line: Line) -> ShownCell:
        return estimate_cell(metric, line[name], interval=interval)

    return Head(head_text(metric), metric.meaning), shown


def head_text(metric: Metric) -> str:
    """Return what stands above a metric."""
    return f"{metric.head}, {metric.unit}" if metric.unit else metric.head


def estimate_cell(metric: Metric, found: Estimate, *, interval: bool) -> ShownCell:
    """Return a number as shown; one that cannot be had is a dash."""
    if not found.known:
        return ShownCell(EN_DASH)
    below = interval_text(metric, found) if interval else ""
    return ShownCell(found_text(metric, found), below, repr(found.value))


def found_text(metric: Metric, found: Estimate) -> str:
    """Return a number as shown; the least that could be found, as that."""
    if not found.at_most:
        return number_text(metric, found.value)
    scale = 10**metric.digits
    return f"<={decimal(min(1.0, ceil(found.value * scale) / scale), metric.digits)}"


def number_text(metric: Metric, value: float) -> str:
    """Return a number with the digits of its metric; a tiny p value as a limit."""
    if metric.name in P_VALUES and value < 10**-metric.digits:
        return f"<{10**-metric.digits:.{metric.digits}f}"
    return decimal(value, metric.digits)


def interval_text(metric: Metric, found: Estimate) -> str:
    """Return an interval; the number of visits beside it where there is a rate."""
    if not (found.low == found.low and found.high == found.high):
        return ""
    return between(found.low, found.high, metric.digits)


def _with_n(name: str) -> Column:
    """Return the column of a rate, with interval and number of visits."""
    head, shown = metric_column(name, interval=True)

    def with_n(line: Line) -> ShownCell:
        cell = shown(line)
        if not cell.below:
            return cell
        return ShownCell(cell.text, f"{cell.below}, n {line[name].n}", cell.sort)

    return head, with_n


def _quartiles() -> Column:
    def shown(line: Line) -> ShownCell:
        low, high = line["regret_q25_pct"], line["regret_q75_pct"]
        if not (low.known and high.known):
            return ShownCell(EN_DASH)
        return ShownCell(between(low.value, high.value, 1), "", repr(low.value))

    return Head("Regret, quartiles, %", "First and third quartile of regret."), shown


def _record() -> Column:
    def shown(line: Line) -> ShownCell:
        won, tied, lost = (line[name] for name in ("wins", "ties", "losses"))
        if not won.known:
            return ShownCell(EN_DASH)
        text = f"{won.value:.0f} / {tied.value:.0f} / {lost.value:.0f}"
        return ShownCell(text, "", repr(won.value - lost.value))

    about = "Patients at least a quarter of a point better, within it, worse."
    return Head("Win / tie / loss", about), shown


def _counts() -> Iterator[Column]:
    for row, true in enumerate(TRUTHS):
        for column, said in enumerate(VERDICTS):
            yield _count(row, column, f"{true}: {said}")


def _count(row: int, column: int, text: str) -> Column:
    def shown(line: Line) -> ShownCell:
        count = line.confusion.counts[row][column]
        return ShownCell(str(count), "", str(count))

    return Head(text, "Visits"), shown


LAYOUTS: Final[tuple[tuple[str, tuple[Column, ...]], ...]] = (
    (
        "Points lost and regret",
        (
            metric_column("points_lost_mean", interval=True),
            metric_column("points_lost_share_pct", interval=True),
            metric_column("final_points_lost_mean", interval=True),
            metric_column("regret_median_pct", interval=True),
            metric_column("regret_mean_pct", interval=True),
            _quartiles(),
            metric_column("post_regret_median_pct", interval=True),
            metric_column("final_regret_median_pct", interval=True),
            metric_column("saved_mean_points", interval=True),
            metric_column("p_holm"),
            _record(),
            metric_column("behind_best_mean_points", interval=True),
        ),
    ),
    (
        "Points lost, were energy weighed otherwise",
        tuple(
            metric_column(f"{lost_at(weight)}_{what}", interval=True)
            for weight in OTHER_ENERGY_WEIGHTS
            for what in ("mean", "share_pct")
        ),
    ),
    (
        "Gain, harm and cost",
        (
            metric_column("attained_pct", interval=True),
            metric_column("solved_50_pct"),
            metric_column("solved_75_pct"),
            metric_column("solved_90_pct"),
            _with_n("harmed_pct"),
            _with_n("candidate_harms_pct"),
            metric_column("worst_gain_pct", interval=True),
            metric_column("energy_mean_pct", interval=True),
            metric_column("unpleasant_events_mean", interval=True),
            metric_column("minutes_mean"),
            metric_column("visit_minutes_mean"),
            metric_column("evaluations_mean"),
            metric_column("ask_ms_median"),
        ),
    ),
    (
        "Verdicts and intervals",
        (
            _with_n("verdict_right_pct"),
            _with_n("found_pct"),
            _with_n("wrong_improved_pct"),
            _with_n("null_improved_pct"),
            _with_n("stopped_pct"),
            _with_n("coverage_pct"),
            _with_n("coverage_improved_pct"),
        ),
    ),
    (
        "Visits by the truth of their candidate and by verdict",
        tuple(_counts()),
    ),
    (
        "Reproducibility, information, quartiles against the baseline",
        (
            metric_column("choice_distance_pct", interval=True),
            metric_column("choice_same_pct", interval=True),
            metric_column("information_bits_mean", interval=True),
            metric_column("saved_median_points", interval=True),
            metric_column("saved_q25_points", interval=True),
            metric_column("saved_q50_points", interval=True),
            metric_column("saved_q75_points", interval=True),
            metric_column("slowest_ask_ms"),
        ),
    ),
)


def tables(lines: Sequence[Line]) -> tuple[ShownTable, ...]:
    """Return every table of one group, plan and budget; what has no data goes."""
    found = (_table(caption, columns, lines) for caption, columns in LAYOUTS)
    return tuple(table for table in found if len(table.heads) > 1)


def _table(
    caption: str, columns: Sequence[Column], lines: Sequence[Line]
) -> ShownTable:
    filled = [
        (head, cells)
        for head, cells in (
            (head, [_seen(shown, line) for line in lines]) for head, shown in columns
        )
        if any(cell.text != EN_DASH for cell in cells)
    ]
    last = str(len(lines))
    names = [
        ShownCell(
            line.contender, _beside(line), str(line.rank) if line.is_ranked else last
        )
        for line in lines
    ]
    return ShownTable(
        caption,
        (
            Head("Contender", _order(lines)),
            *(head for head, _ in filled),
        ),
        tuple(zip(names, *(cells for _, cells in filled), strict=True)),
        tuple(line.is_baseline for line in lines),
    )


def _seen(shown: Callable[[Line], ShownCell], line: Line) -> ShownCell:
    """Return a cell; a dash where no visit came to its end, whatever is told of it."""
    return ShownCell(EN_DASH) if line.came_to_nothing else shown(line)


def _order(lines: Sequence[Line]) -> str:
    if lines[0]["points_lost_mean"].known:
        return "By rank: points lost, then median regret."
    return "By rank: harm, then energy."


def _beside(line: Line) -> str:
    """Return what is said below a contender's name."""
    said = []
    if line.is_baseline:
        said.append("baseline")
    if line.strategy != line.contender:
        said.append(line.strategy)
    if line.knows.startswith("people"):
        said.append(f"knows {line.knows}")
    if line.n_kept:
        said.append(f"{line.n_kept} came to nothing")
    return ", ".join(said)
