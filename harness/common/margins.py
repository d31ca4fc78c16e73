"""A figure of one row of panels, laid out once: what stands around each is measured.

Matplotlib's constrained layout measures every text of a figure twice and then solves
for a grid, though a row of panels is a sum: widths, and what stands between them. The
renderer of a figure, and at which side a legend stands outside, matplotlib tells under
names of its own alone.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.text import Text
from matplotlib.transforms import Bbox, ScaledTranslation

PAD_IN: Final = 3.0 / 72.0
"""Room around everything, as in constrained layout."""

LEAST_IN: Final = 0.01  # of a panel for which its texts leave no room
_FIRST_IN: Final = (0.55, 0.1, 0.45, 0.25)
"""Left, right, below, above a panel while it is measured, near what it will be."""

Margins = tuple[float, float, float, float]


class RowLayout(LayoutEngine):
    """Places the panels of one row, and the legend that stands outside of them."""

    _adjust_compatible = False
    _colorbar_gridspec = False

    def set(self, **kwargs: Any) -> None:
        """Take no parameters; TypeError for one."""
        if kwargs:
            raise TypeError(f"a row has no parameters, got {', '.join(kwargs)}")

    def execute(self, fig: Figure) -> None:
        """Measure what stands around each panel and give it its place."""
        panels = fig.axes
        if not panels:
            return
        _place(fig, [_FIRST_IN] * len(panels))
        renderer = fig._get_renderer()  # type: ignore[attr-defined]
        around_in = [_around_in(axes, renderer, fig.dpi) for axes in panels]
        legends_in = _legends_in(fig, renderer)
        _place(fig, _in_line(around_in, legends_in))
        # where a text stands within a panel hangs on the width that the panel now has
        texts_in = [_texts_in(axes, renderer, fig.dpi) for axes in panels]
        _place(fig, _in_line(map(_wider, around_in, texts_in), legends_in))


def row_figure(height_in: float, width_in: float) -> Figure:
    """Return an empty figure for one panel, or several beside each other.

    Drawing it raises TypeError for panels that are not one row of `subplots`.
    """
    return Figure(figsize=(width_in, height_in), layout=RowLayout())


def _place(figure: Figure, margins_in: Sequence[Margins]) -> None:
    """Give each panel its share of the width that the margins leave."""
    panels = figure.axes
    width_in, height_in = figure.get_size_inches()
    shares = _shares(panels)
    free_in = width_in - sum(left + right for left, right, _, _ in margins_in)
    at_in = 0.0
    rows = zip(panels, shares, margins_in, strict=True)
    for axes, share, (left_in, right_in, below_in, above_in) in rows:
        wide_in, tall_in = free_in * share, height_in - below_in - above_in
        axes.set_position(
            (
                (at_in + left_in) / width_in,
                below_in / height_in,
                max(wide_in, LEAST_IN) / width_in,
                max(tall_in, LEAST_IN) / height_in,
            )
        )
        at_in += left_in + wide_in + right_in


def _shares(panels: Sequence[Axes]) -> list[float]:
    """Return which part of all panels' width each has; they must be one row."""
    spec = panels[0].get_subplotspec()
    grid = None if spec is None else spec.get_gridspec()
    if grid is None or grid.nrows != 1 or grid.ncols != len(panels):
        # matplotlib forgets a ValueError that is raised while it lays out
        raise TypeError(f"a row of {len(panels)} panels must be one row of subplots")
    ratios: Any = grid.get_width_ratios() or [1.0] * len(panels)
    return [float(ratio) / float(sum(ratios)) for ratio in ratios]


def _around_in(axes: Axes, renderer: Any, dpi: float) -> Margins:
    """Return how far ticks, names and legend reach beyond a panel, with room."""
    legend = axes.get_legend()
    others: list[Artist] = [line for line in axes.lines if not line.get_clip_on()]
    others += [] if legend is None else [legend]
    whole: Any = axes.get_tightbbox(
        renderer, bbox_extra_artists=others, for_layout_only=True
    )
    _hold_names(axes, dpi)
    return _beyond_in(axes, whole, dpi)


def _hold_names(axes: Axes, dpi: float) -> None:
    """Keep the axes' names as far from the panel as they were measured.

    Else each is placed anew when it is drawn, which measures all numbers once more.
    """
    panel, inch = axes.bbox, axes.figure.dpi_scale_trans
    left_in = (_drawn_at(axes.yaxis.label)[0] - panel.x0) / dpi
    below_in = (_drawn_at(axes.xaxis.label)[1] - panel.y0) / dpi
    beside = axes.transAxes + ScaledTranslation(left_in, 0.0, inch)
    below = axes.transAxes + ScaledTranslation(0.0, below_in, inch)
    axes.yaxis.set_label_coords(0.0, 0.5, transform=beside)
    axes.xaxis.set_label_coords(0.5, 0.0, transform=below)


def _drawn_at(text: Text) -> tuple[float, float]:
    x, y = text.get_transform().transform(text.get_position())
    return float(x), float(y)


def _texts_in(axes: Axes, renderer: Any, dpi: float) -> Margins:
    """Return how far the texts in a panel reach beyond it, with room."""
    boxes = [text.get_tightbbox(renderer) for text in axes.texts]
    drawn = [box for box in boxes if box is not None and box.width > 0.0]
    return _beyond_in(axes, Bbox.union([axes.bbox, *drawn]), dpi)


def _beyond_in(axes: Axes, whole: Bbox, dpi: float) -> Margins:
    panel = axes.bbox
    reach = (
        panel.x0 - whole.x0,
        whole.x1 - panel.x1,
        panel.y0 - whole.y0,
        whole.y1 - panel.y1,
    )
    left, right, below, above = (max(far, 0.0) / dpi + PAD_IN for far in reach)
    return left, right, below, above


def _wider(some_in: Margins, others_in: Margins) -> Margins:
    left, right, below, above = map(max, some_in, others_in)
    return left, right, below, above


def _in_line(
    around_in: Iterable[Margins], legends_in: tuple[float, float]
) -> list[Margins]:
    """Return the margins with which all panels begin and end at the same heights."""
    known = list(around_in)
    below_in = max(margins[2] for margins in known) + legends_in[1]
    above_in = max(margins[3] for margins in known) + legends_in[0]
    return [(left, right, below_in, above_in) for left, right, _, _ in known]


def _legends_in(figure: Figure, renderer: Any) -> tuple[float, float]:
    """Return the height of the figure's own legends above and below the panels."""
    heights_in = {"upper": 0.0, "lower": 0.0}
    legends: list[Any] = figure.legends
    for legend in legends:
        tall_in = legend.get_tightbbox(renderer).height / figure.dpi
        heights_in[legend._outside_loc] += tall_in + 2.0 * PAD_IN
    return heights_in["upper"], heights_in["lower"]
