"""Thresholds of the command line: who misses what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from harness.common.words import NOT_AVAILABLE
from harness.study.judging.board import Judged, Line
from harness.study.judging.layout import number_text
from harness.study.judging.metrics import METRICS, Metric
from optimizers.sources import nearest_name


class ThresholdError(ValueError):
    """A threshold cannot be read, or nobody can be held against it."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a metric must reach: at least `limit` where higher is better, else at most.

    An empty `contender` means all but the baseline; no `budget_min` means all budgets.
    """

    metric: Metric
    limit: float
    contender: str = ""
    budget_min: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Miss:
    """A line that misses a threshold."""

    threshold: Threshold
    line: Line

    @property
    def text(self) -> str:
        """Who misses what, in one line."""
        metric, line = self.threshold.metric, self.line
        found = line[metric.name]
        value = number_text(metric, found.value) if found.known else NOT_AVAILABLE
        side = "at least" if metric.better == "higher" else "at most"
        return (
            f"{line.study}: {line.contender}, {line.plan}, {line.budget_min:g} min: "
            f"{metric.name} is {value}, asked {side} {self.threshold.limit:g}"
        )


def parse_threshold(text: str) -> Threshold:
    """Read `[CONTENDER:]METRIC[@MINUTES]=VALUE`.

    Raises ThresholdError when it is not of that form, the metric is unknown or has no
    better side, or a number is none.
    """
    asked, equals, value = text.rpartition("=")
    if not equals:
        raise ThresholdError(f"must be METRIC=VALUE, got {text!r}")
    contender, _, what = asked.rpartition(":")
    name, at, minutes = what.partition("@")
    return Threshold(
        _metric(name),
        _number(value, f"VALUE of {name}"),
        contender,
        _number(minutes, f"minutes after @ of {name}") if at else None,
    )


def _metric(name: str) -> Metric:
    judgeable = {key: found for key, found in METRICS.items() if found.better}
    if name not in judgeable:
        raise ThresholdError(
            f"metric must be one of {', '.join(judgeable)}; got {name!r}, nearest is "
            f"{nearest_name(name, judgeable)!r}"
        )
    return judgeable[name]


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ThresholdError(f"{what} must be a number, got {text!r}")
    return value


def misses(studies: Sequence[Judged], asked: Sequence[Threshold]) -> tuple[Miss, ...]:
    """Return every line of the main groups that misses a threshold.

    What is not available counts as missed.

    Raises
    ------
    ThresholdError
        When no line of any study is what a threshold asks for.
    """
    return tuple(miss for threshold in asked for miss in _missing(studies, threshold))


def _missing(studies: Sequence[Judged], threshold: Threshold) -> Iterator[Miss]:
    held = [
        line
        for judged in studies
        for line in judged.lines
        if line.group == judged.group_of(threshold.metric.name).name
        and _is_held(line, threshold)
    ]
    if not held:
        raise ThresholdError(_nobody(studies, threshold))
    for line in held:
        if not _reaches(line, threshold):
            yield Miss(threshold, line)


def _is_held(line: Line, threshold: Threshold) -> bool:
    named = line.contender == threshold.contender
    everybody = not threshold.contender and not line.is_baseline
    at_budget = threshold.budget_min in (None, line.budget_min)
    return (named or everybody) and at_budget


def _reaches(line: Line, threshold: Threshold) -> bool:
    value = line[threshold.metric.name].value
    if threshold.metric.better == "higher":
        return value >= threshold.limit
    return value <= threshold.limit


def _nobody(studies: Sequence[Judged], threshold: Threshold) -> str:
    lines = [line for judged in studies for line in judged.lines]
    contenders = sorted({line.contender for line in lines})
    budgets = sorted({line.budget_min for line in lines})
    who = threshold.contender or "contender beside the baseline"
    when = "" if threshold.budget_min is None else f" at {threshold.budget_min:g} min"
    return (
        f"no {who}{when} to hold {threshold.metric.name} against; there are "
        f"{', '.join(contenders)} at {', '.join(f'{b:g}' for b in budgets)} min"
    )
