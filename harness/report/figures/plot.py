"""What a figure declares: its name, when it is drawn, how, and what is said of it."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from harness.report.contents import Report
from harness.report.parts import Quantity

Told = Callable[[Report], str]


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of a report, as data.

    Parameters
    ----------
    name
        Its file is `figures/{name}.svg`.
    has_data
        Tells whether there is anything to draw; without it the figure is left out.
    draw
        Draws it, in the style that is set already.
    title, words
        What a reader learns who cannot see it: what it is, and what it shows.
    caption
        What stands below it.
    closes
        Name of the section at whose end it stands. Without one a template places it.
    """

    name: str
    has_data: Callable[[Report], bool]
    draw: Callable[[Report], Figure]
    title: Told
    words: Told
    caption: Told
    closes: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of one report, with what a page says of it."""

    svg: bytes
    title: str
    words: str
    caption: str
    closes: str = ""


def always(text: str) -> Told:
    """Return what says the same of every report."""
    return lambda report: text


def number_of(value: Quantity) -> float:
    """Return a number to draw; nan where there is none."""
    return float("nan") if value.value is None else value.value
