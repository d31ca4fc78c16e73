"""The leaderboard for a script: a table of every metric, and its figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import FAINT, INK, drawn
from harness.common.tidy import TidyTable
from harness.common.words import plain
from harness.study.judging.board import Judged, Line, judge
from harness.study.judging.files import leaderboard_rows, leaderboard_text
from harness.study.judging.metrics import METRICS, Metric
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import by_start, read_studies
from sim.names import nearest_name

_FRAME_IN: Final = 0.7
_LINE_IN: Final = 0.19


@dataclass(frozen=True, slots=True, eq=False)
class Leaderboard:
    """Stored studies, judged: a part for each study and start."""

    parts: tuple[Judged, ...]

    @property
    def table(self) -> TidyTable:
        """A row a study, group, start, plan, budget and contender: every metric.

        A metric has its own name, the ends of its 95 % interval that name and `_low`,
        `_high`, its Monte Carlo error `_error`. A yardstick has rank 0.
        """
        return TidyTable.of_rows(leaderboard_rows(self.parts))

    def __repr__(self) -> str:
        return leaderboard_text(self.parts)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def plot(
        self, metric: str = "points_lost_mean", *, part: int = 0, width: str = "double"
    ) -> Figure:
        """Return the figure: a metric of each contender with its 95 % interval.

        Best first, at the budget of headlines; open marks are yardsticks, which follow
        from the truth.

        Parameters
        ----------
        metric
            Its name, as the table has it.
        part
            Which of the parts, the first being 0.
        width
            "double" or "single" column of a journal.

        Raises
        ------
        ValueError
            For another metric, part or width.
        """
        if metric not in METRICS:
            raise ValueError(
                f"metric must be one of {', '.join(METRICS)}, got {metric!r} "
                f"(nearest is {nearest_name(metric, METRICS)!r})"
            )
        if not 0 <= part < len(self.parts):
            raise ValueError(f"part must be 0 to {len(self.parts) - 1}, got {part}")
        judged = self.parts[part]
        plan = judged.plans[0]
        key = (judged.group_of(metric).name, plan, judged.budget_in(plan))
        ranked, told = judged.table(*key), judged.told_of(*key)
        return drawn(
            lambda figure: _draw(figure.subplots(), ranked, told, METRICS[metric]),
            height_in=_FRAME_IN + _LINE_IN * (len(ranked) + len(told)),
            width=width,
        )


def leaderboard(
    folders: Sequence[str | Path] | str | Path, *, baseline: str | None = None
) -> Leaderboard:
    """Judge stored studies, as `ccmlab compare` does; nothing is simulated or written.

    Parameters
    ----------
    folders
        A folder of a study or of a published comparison, or several.
    baseline
        Contender that the others are held against; None takes `stay`.

    Raises
    ------
    BrokenRunError
        When a folder is no study, or has no such baseline.
    """
    named = [folders] if isinstance(folders, str | Path) else folders
    studies = [by_start(study) for study in read_studies(named)]
    return Leaderboard(
        tuple(judge(part, baseline) for parts in studies for part in parts)
    )


def _draw(
    axes: Axes, ranked: Sequence[Line], told: Sequence[Line], metric: Metric
) -> None:
    lines = [*ranked, *told]
    for row, line in enumerate(lines):
        found = line.values.get(metric.name, Estimate())
        if not np.isfinite(found.value):
            continue  # every visit of it failed, or nothing is told of a yardstick
        axes.plot([found.low, found.high], [row, row], color=INK, linewidth=1.0)
        face = INK if row < len(ranked) else "white"
        axes.plot(
            found.value, row, "o", markersize=4.5, color=INK, markerfacecolor=face
        )
    axes.axvline(0.0, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(lines)), [plain(line.contender) for line in lines])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a name may hold a dollar sign
    axes.set_ylim(len(lines) - 0.5, -0.5)
    better = f" ({metric.better} is better)" if metric.better else ""
    axes.set_xlabel(f"{metric.head}, {metric.unit}{better}".replace(", (", " ("))
