"""How contenders are drawn: a few stand out, the others stay grey, labels at ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from harness.common.drawing import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, VERMILION
from harness.common.words import plain
from harness.study.judging.board import Judged

N_BEST: Final = 3
LONGEST_NAME: Final = 24


Dashes = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Stroke:
    """Colour, marker and line style: no two are told apart by colour alone."""

    color: str
    marker: str
    dashes: Dashes


BASELINE: Final = Stroke(INK, "D", ":")
OTHER: Final = Stroke(FAINT, ".", "-")
_BEST: Final = (
    Stroke(BLUE, "o", "-"),
    Stroke(VERMILION, "s", "--"),
    Stroke(GREEN, "^", "-."),
    Stroke(PURPLE, "v", (0, (3, 1, 1, 1, 1, 1))),
    Stroke(ORANGE, "P", (0, (5, 1))),
)


@dataclass(frozen=True, slots=True)
class Label:
    """A name to be written beside the end of a line, with the line's own mark."""

    text: str
    y: float
    stroke: Stroke


def strokes(studies: Sequence[Judged]) -> Mapping[str, Stroke]:
    """Return the strokes of those who stand out, the same in all figures of a page."""
    best: dict[str, None] = {}
    for judged in studies:
        best.update(dict.fromkeys(best_of(judged)))
    return {name: _BEST[place % len(_BEST)] for place, name in enumerate(best)} | {
        judged.baseline: BASELINE for judged in studies
    }


def best_of(judged: Judged) -> list[str]:
    """Return the best few of the headline table, the baseline left out."""
    for plan in judged.plans:
        table = judged.table(judged.main.name, plan, judged.budget_min)
        found = [line.contender for line in table if not line.is_baseline]
        if found:
            return found[:N_BEST]
    return []


def shown_name(text: str) -> str:
    """Return a contender's name as a figure can hold it."""
    words = " ".join(plain(text).split())
    if len(words) > LONGEST_NAME:
        words = f"{words[: LONGEST_NAME - 1]}…"
    return words.replace("$", r"\$")  # a dollar sign would start a formula


def end_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write names right of the plot, each near its line's end, none on another."""
    low, high = axes.get_ylim()
    heights = _apart([(label.y - low) / (high - low) for label in labels], gap=0.052)
    for label, height in zip(labels, heights, strict=True):
        axes.plot(
            [1.02],
            [height],
            label.stroke.marker,
            color=label.stroke.color,
            markersize=5,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.annotate(
            shown_name(label.text),
            (1.02, height),
            xytext=(6, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=8.0,
        )


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return heights moved as little as a gap between neighbours asks."""
    order = np.argsort(heights, kind="stable")
    placed = np.array([heights[i] for i in order])
    for _ in range(200):
        short = gap - np.diff(placed)
        if not (short > 1e-6).any():
            break
        push = np.maximum(short, 0.0) / 2.0
        placed[:-1] -= push
        placed[1:] += push
    result = [0.0] * len(heights)
    for place, i in enumerate(order):
        result[i] = float(placed[place])
    return result
