"""What all figures share: colours, type, and how a figure becomes an SVG file.

Text stays text, and what is black here takes the colour of the page around it, so that
a figure is readable on a dark page too.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from types import MappingProxyType
from typing import Any, Final

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK: Final = "#010101"  # replaced by the colour of the surrounding text
FAINT: Final = "#8a9099"
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
VERMILION: Final = "#d55e00"
PURPLE: Final = "#cc79a7"
WIDTH_IN: Final = 7.0
HALF_IN: Final = 3.4  # two stand side by side
COLUMNS_IN: Final[Mapping[str, float]] = MappingProxyType(
    {"single": 3.5, "double": 7.2}
)
"""Width of a figure in a journal of one or two columns: 89 and 183 mm are usual."""
PRINT_DPI: Final = 300.0

STYLE: Final[Mapping[Any, Any]] = MappingProxyType(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "ccmlab",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9.0,
        "axes.labelsize": 9.0,
        "axes.titlesize": 9.0,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": 0.8,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "lines.linewidth": 1.4,
        "axes.unicode_minus": True,
        "path.simplify": True,
    }
)
_ID: Final = re.compile(r'((?:\bid="|url\(#|href="#))([^")]+)')


def svg_file(name: str, figure: Figure, title: str, description: str) -> bytes:
    """Return a figure as an SVG file with a name for those who cannot see it."""
    file = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(file, metadata=nothing)  # savefig would draw everything twice
    text = file.getvalue().decode("utf-8")
    text = _ID.sub(rf"\g<1>{name}-\g<2>", text)
    text = text.replace(INK, "currentColor")
    # what comes before the element names an address that nobody should fetch
    tag, inside = text[text.index("<svg ") :].split(">", 1)
    labels = (
        f'<title id="{name}-title">{escape(title, quote=False)}</title>\n'
        f'<desc id="{name}-desc">{escape(description, quote=False)}</desc>'
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'{tag} role="img" aria-labelledby="{name}-title {name}-desc">\n'
        f"{labels}{inside}"
    ).encode()


def inline(svg: Mapping[str, bytes]) -> dict[str, str]:
    """Return the figures without their XML declaration, to stand inside a page."""
    return {name: data.decode().split("\n", 1)[1] for name, data in svg.items()}


def drawn(draw: Callable[[Figure], None], *, height_in: float, width: str) -> Figure:
    """Return a figure for a journal, drawn in the house's style whatever the reader's.

    Its `savefig` writes PNG (300 dots an inch), SVG and PDF.

    Parameters
    ----------
    draw
        Draws on the empty figure.
    height_in
        Height, inches.
    width
        "single" or "double" column; ValueError for another word.
    """
    if width not in COLUMNS_IN:
        words = " or ".join(COLUMNS_IN)
        raise ValueError(f"width must be {words}, got {width!r}")
    with _print_style():
        size = (COLUMNS_IN[width], height_in)
        figure = PrintFigure(figsize=size, layout="constrained", dpi=PRINT_DPI)
        draw(figure)
    return figure


class PrintFigure(Figure):
    """A figure that keeps the house's style whenever it is drawn, ticks included."""

    def draw(self, renderer: Any) -> None:
        """Draw everything."""
        with _print_style():
            super().draw(renderer)


@contextmanager
def _print_style() -> Iterator[None]:
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings change nothing
        rcParams.update({**STYLE, "figure.facecolor": "white"})
        yield


def svg_text(figure: Figure) -> str:
    """Return a figure as an SVG element, to stand inside a page."""
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "ccmlab"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg ") :]


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """Return an empty figure of the page's width."""
    return Figure(figsize=(width_in, height_in), layout="constrained")
