"""The page of several visits: one file, its figure inside, nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markupsafe import Markup
from matplotlib.figure import Figure

from harness.archive.side_by_side.figure import forest_figure, forest_svg
from harness.archive.side_by_side.notes import reading_notes
from harness.archive.side_by_side.tables import ComparedTable, all_tables
from harness.archive.side_by_side.visits import StoredVisit, naive_claim, read_visits
from harness.common.drawing import inline, svg_text
from harness.common.pages import filled

TITLE: Final = "Visits side by side"
HEADS: Final = ("", "visit", "strategy", "verdict", "gain", "95 % interval", "naive")


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """All that the page shows."""

    visits: tuple[StoredVisit, ...]
    notes: tuple[str, ...]
    tables: Mapping[str, ComparedTable]

    def __repr__(self) -> str:
        return comparison_text(self)

    def _repr_html_(self) -> str:
        return svg_text(self.plot())

    def plot(self) -> Figure:
        """Return the figure: verified gains with their intervals, and naive claims.

        It is as wide as a page of a journal: names and numbers stand beside the marks.
        """
        return forest_figure(self.visits)


def compare(visits: Sequence[StoredVisit]) -> SideBySide:
    """Put visits side by side."""
    return SideBySide(tuple(visits), reading_notes(visits), all_tables(visits))


def compared(folders: Sequence[str | Path]) -> SideBySide:
    """Return stored visits side by side; BrokenRunError names one that is none."""
    return compare(read_visits(folders))


def comparison_html(comparison: SideBySide) -> str:
    """Return the page; the same reports and folder names give the same text."""
    drawn = inline({"forest": forest_svg(comparison.visits)})
    values = {"title": TITLE, "c": comparison, "figure": Markup(drawn["forest"])}
    return filled("harness.archive.side_by_side", "compare_visits.html.j2", values)


def comparison_text(comparison: SideBySide) -> str:
    """Return what the command says on stdout: a line a visit, then the notes."""
    rows: list[tuple[str, ...]] = [HEADS]
    for visit in comparison.visits:
        verdict = visit.report.verdict
        row = (
            str(visit.number),
            visit.name,
            visit.strategy,
            verdict.kind,
            verdict.gain.text,
            verdict.interval_95.text,
            naive_claim(visit.report).text,
        )
        rows.append(tuple(cell.replace("\n", " ") for cell in row))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *comparison.notes])
