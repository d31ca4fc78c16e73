"""A row of panels fills its figure, and what stands around them is measured once."""

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.common.drawing import new_figure, svg_file
from harness.common.margins import PAD_IN, row_figure


def figure_without_layout(height_in: float, width_in: float) -> Figure:
    return Figure(figsize=(width_in, height_in))


def filled(figure: Figure, n: int = 3) -> Figure:
    """Draw what reports draw: ticks, names, a legend above, texts at the right edge."""
    widths = [1.0] * (n - 1) + [2.0]
    panels = figure.subplots(1, n, width_ratios=widths, squeeze=False)[0]
    for number, axes in enumerate(panels):
        axes.plot([0.0, 1.0], [-1000.0 * number, 1000.0], label="a line")
        axes.set_xlabel("time, s")
    panels[0].set_ylabel("pressure, mmHg\nin two lines")
    panels[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))
    panels[-1].annotate(
        "39.6 min", (1.0, 0.0), xytext=(4, 0), textcoords="offset points"
    )
    handles = [Patch(label="one"), Patch(label="two")]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def places(figure: Figure) -> np.ndarray:
    svg_file("it", figure, "title", "words")
    return np.array([axes.get_position().bounds for axes in figure.axes])


def boxes_in(figure: Figure) -> Iterator[tuple[float, float, float, float]]:
    renderer = figure._get_renderer()
    for artist in (*figure.axes, *figure.legends):
        box = artist.get_tightbbox(renderer)
        yield tuple(side / figure.dpi for side in box.extents)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_row_lies_where_constrained_layout_would_have_it(n: int) -> None:
    ours = places(filled(row_figure(2.4, 7.0), n))
    theirs = places(filled(new_figure(2.4, 7.0), n))
    # ticks, and where a legend ends, hang on the width that a panel had when it was
    # measured: ours is a guess, theirs the outcome of a first round
    assert ours * (7.0, 2.4, 7.0, 2.4) == pytest.approx(
        theirs * (7.0, 2.4, 7.0, 2.4), abs=0.15
    )


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_nothing_of_a_row_reaches_beyond_its_figure(n: int) -> None:
    figure = filled(row_figure(2.4, 7.0), n)
    places(figure)
    for left, below, right, above in boxes_in(figure):
        assert 0.0 <= left <= right <= 7.0
        assert 0.0 <= below <= above <= 2.4


def test_the_panels_of_a_row_share_its_width_as_their_ratios_say() -> None:
    found = places(filled(row_figure(2.4, 7.0)))
    assert found[:, 2] / found[0, 2] == pytest.approx([1.0, 1.0, 2.0])
    assert len(set(found[:, 1])) == len(set(found[:, 3])) == 1


def test_between_two_neighbours_is_the_room_of_both() -> None:
    figure = row_figure(2.0, 7.0)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_axis_off()
    (x, _, wide, _), (other_x, *_) = places(figure)
    assert (other_x - x - wide) * 7.0 == pytest.approx(2.0 * PAD_IN)


def test_each_panel_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []
    whole = Axes.get_tightbbox

    def counted(self: Axes, *args: object, **kwargs: object) -> object:
        measured.append(self)
        return whole(self, *args, **kwargs)

    figure = filled(row_figure(2.4, 7.0))
    monkeypatch.setattr(Axes, "get_tightbbox", counted)
    places(figure)
    assert measured == list(figure.axes)


def test_a_figure_that_is_drawn_twice_is_the_same() -> None:
    with rc_context({"svg.hashsalt": "it"}):
        figure = filled(row_figure(2.4, 7.0))
        first, second = (svg_file("it", figure, "title", "words") for _ in range(2))
    assert first == second


def test_names_of_axes_lie_where_matplotlib_would_have_them() -> None:
    figure, plain = (
        filled(make(2.4, 7.0)) for make in (row_figure, figure_without_layout)
    )
    found = places(figure)
    for axes, place in zip(plain.axes, found, strict=True):
        axes.set_position(place)
    svg_file("it", plain, "title", "words")
    ours, theirs = (np.array(list(extents_of_names(each))) for each in (figure, plain))
    # dots of 1/100 inch, in which both were drawn
    assert ours == pytest.approx(theirs, abs=0.01)


def extents_of_names(figure: Figure) -> Iterator[np.ndarray]:
    for axes in figure.axes:
        for name in (axes.xaxis.label, axes.yaxis.label):
            yield name.get_window_extent(figure._get_renderer()).extents


def test_a_figure_too_small_for_its_texts_is_drawn_all_the_same() -> None:
    assert (places(filled(row_figure(0.3, 0.5)))[:, 2:] > 0.0).all()


def test_an_empty_figure_is_drawn() -> None:
    assert b"<svg" in svg_file("it", row_figure(1.0, 1.0), "title", "words")


def test_two_rows_are_refused() -> None:
    figure = row_figure(2.0, 7.0)
    figure.subplots(2, 1)
    with pytest.raises(TypeError, match="one row of subplots"):
        svg_file("it", figure, "title", "words")
