"""What a study says: text for stdout, tidy CSV, JSON, and one figure."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.csv import csv_bytes
from harness.common.drawing import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    STYLE,
    new_figure,
    svg_file,
)
from harness.evidence.sensitivity.ranges import not_varied
from harness.evidence.sensitivity.study import Index, OutputSpread, Sensitivity, Share
from harness.evidence.sensitivity.what_if import Output

SCHEMA_VERSION: Final = 1
MOST_LINES: Final = 8
LEAST_SHARE: Final = 0.02
COLUMN: Final = 22
_ROW_IN: Final = 0.2
_FRAME_IN: Final = 1.3

SHORT: Final = {
    "settled_systolic_gain_pct": "settled gain\nat nominal, %",
    "best_amplitude_v": "best\namplitude, V",
    "best_delay_ms": "best\ndelay, ms",
    "window_gain_pct": "window gain\nof best, %",
    "improved_probability_frac": 'probability of\n"improved"',
}


def assumption(study: Sensitivity) -> str:
    """Return what every number of the study hangs on."""
    family = study.asked.family
    law = study.asked.patient.response
    kept = sorted(not_varied(law))
    text = (
        f"The dose-response is an assumed law (family {family!r}): no source gives a "
        "human curve per setting. Shares hold for this family and these ranges only."
    )
    if np.ptp(study.asked.patient.gain(study.asked.train)[:-2]) == 0.0:
        text += " Every setting has the same effect: the best is the first of them."
    if kept:
        text += f" Fixed by the family or without effect in it: {', '.join(kept)}."
    return text


def method(study: Sensitivity) -> str:
    """Return how the indices were reached, and how good the response curve is."""
    hearts, asked = study.hearts, study.asked
    return (
        f"{len(asked.ranges)} numbers varied independently, {study.n_samples} base "
        f"samples (seed {study.seed}); intervals: 95 %, bootstrap. Pressure gains from "
        f"a curve through {hearts.settled.n_hearts} simulated hearts "
        f"({hearts.n_left_out} could not live and were left out), predictivity "
        f"{hearts.settled.predictivity:.3f} settled, {hearts.window.predictivity:.3f} "
        "window (leave-one-out, 1 is perfect). The best setting has the highest "
        "settled gain of the lattice among those the patient does not feel; the window "
        "gain is its gain against the settings as found. Verdict: "
        f"{asked.plan.verification_pairs} pairs, SD {asked.pair_sd_pct:g} % a pair."
    )


def text(study: Sensitivity) -> str:
    """Return the answers with the numbers that drive them, for stdout."""
    lines: list[str] = []
    for answer in study.answers:
        lines += [*_answer_lines(answer), ""]
    return "\n".join([*lines, method(study), assumption(study)])


def _answer_lines(answer: OutputSpread) -> Iterator[str]:
    unit = "" if answer.output.unit == "1" else f" {answer.output.unit}"
    middle = f"{answer.output.title}: median {answer.median:.3g}{unit}"
    if not answer.varies:
        yield f"{middle}; does not vary"
        return
    yield f"{middle}, 5 to 95 % {answer.low_5:.3g} to {answer.high_95:.3g}{unit}"
    shown = [row for row in answer.ranked if row.total_order.value >= LEAST_SHARE]
    shown = shown[:MOST_LINES]
    width = max((len(row.title) for row in shown), default=0)
    yield f"  {'':<{width}}  {'alone':>{COLUMN}}  {'with interactions':>{COLUMN}}"
    for row in shown:
        first, total = _interval(row.first_order), _interval(row.total_order)
        yield f"  {row.title:<{width}}  {first:>{COLUMN}}  {total:>{COLUMN}}"


def _interval(index: Index) -> str:
    # adding 0 turns -0.0 into 0.0
    value, low, high = (round(x, 2) + 0.0 for x in (index.value, index.low, index.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def csv_table(study: Sensitivity) -> bytes:
    """Return one row for each answer and varied number."""
    return csv_bytes(
        {
            "output": answer.output.name,
            "unit": answer.output.unit,
            "parameter": row.parameter,
            "dose_response": f"{study.asked.family} (assumed)",
            **{f"first_order{k}": v for k, v in _cells(row.first_order).items()},
            **{f"total_order{k}": v for k, v in _cells(row.total_order).items()},
        }
        for answer in study.answers
        for row in answer.ranked
    )


def _cells(index: Index) -> dict[str, float]:
    return {"": index.value, "_low95": index.low, "_high95": index.high}


def json_text(study: Sensitivity) -> bytes:
    """Return everything about the study, ranges with their sources included."""
    hearts = study.hearts
    told = {
        "schema_version": SCHEMA_VERSION,
        "scenario_name": study.scenario_name,
        "scenario": study.scenario.model_dump(mode="json"),
        "seed": study.seed,
        "n_samples": study.n_samples,
        "dose_response": {
            "family": study.asked.family,
            "standing": "assumed",
            "note": assumption(study),
        },
        "method": method(study),
        "response_curves": {
            name: {"predictivity": curve.predictivity, "n_hearts": curve.n_hearts}
            for name, curve in (("settled", hearts.settled), ("window", hearts.window))
        },
        "parameters": [
            {
                "name": row.name,
                "title": row.title,
                "unit": row.unit,
                "own_value": row.own(study.asked.patient),
                "range": row.text,
                "source": asdict(row.source),
            }
            for row in study.asked.ranges
        ],
        "outputs": [_answer_table(answer) for answer in study.answers],
    }
    return json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False).encode()


def _answer_table(answer: OutputSpread) -> dict[str, Any]:
    return {
        **asdict(answer.output),
        "median": answer.median,
        "low_5": answer.low_5,
        "high_95": answer.high_95,
        "varies": answer.varies,
        "shares": [asdict(row) for row in answer.ranked],
    }


def figure(study: Sensitivity) -> bytes:
    """Return the figure as SVG: one panel for each answer, one line for each number."""
    with rc_context():
        rcdefaults()
        rcParams.update(STYLE)
        return _figure(study)


def _figure(study: Sensitivity) -> bytes:
    varying = [answer for answer in study.answers if answer.varies]
    titles = _leading(varying)
    drawn = new_figure(_FRAME_IN + _ROW_IN * max(len(titles), 3))
    _draw(drawn, varying, titles)
    family = f"dose-response: assumed law, family {study.asked.family}"
    words = f"share of variance (1 = all), 95 % interval; {family}"
    drawn.supxlabel(words, fontsize="medium")
    words = "; ".join(
        f"{answer.output.title}: {answer.ranked[0].title} "
        f"{answer.ranked[0].total_order.value:.2f}"
        for answer in varying
    )
    return svg_file(
        "sensitivity",
        drawn,
        "Share of the variance of each answer that each number explains",
        f"Largest total share of each answer. {words}. {assumption(study)}",
    )


def _leading(answers: list[OutputSpread]) -> list[str]:
    """Return the titles of the numbers that matter anywhere, most important first."""
    largest: dict[str, float] = {}
    for answer in answers:
        for row in answer.shares:
            total = row.total_order.value
            largest[row.title] = max(total, largest.get(row.title, 0.0))
    ranked = sorted(largest.items(), key=lambda item: -item[1])
    return [title for title, total in ranked if total >= LEAST_SHARE]


def _draw(drawn: Figure, answers: list[OutputSpread], titles: list[str]) -> None:
    if not answers:
        axes = drawn.add_subplot()
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no answer varies", ha="center", color=INK)
        return
    panels = drawn.subplots(1, len(answers), sharey=True, squeeze=False)[0]
    for axes, answer in zip(panels, answers, strict=True):
        _panel(axes, answer, titles)
    panels[0].set_yticks(range(len(titles)), titles)
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper left", ncols=2)


def _panel(axes: Axes, answer: OutputSpread, titles: list[str]) -> None:
    rows = {row.title: row for row in answer.shares}
    for place, title in enumerate(titles):
        axes.axhline(place, color=FAINT, linewidth=0.3, zorder=0)
        _points(axes, rows[title], place)
    axes.set_title(_panel_title(answer.output))
    axes.set_xlim(-0.08, 1.12)
    axes.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
    axes.tick_params(axis="y", length=0)


def _points(axes: Axes, row: Share, place: int) -> None:
    looks = (
        (row.first_order, -0.15, "o", BLUE, "alone"),
        (row.total_order, 0.15, "s", ORANGE, "with interactions"),
    )
    for index, shift, marker, colour, label in looks:
        axes.plot(
            [index.low, index.high], [place + shift] * 2, color=colour, linewidth=1.2
        )
        axes.plot(
            [index.value],
            [place + shift],
            marker,
            color=colour,
            markersize=4,
            linestyle="none",
            label=label if place == 0 else None,
        )


def _panel_title(output: Output) -> str:
    return SHORT[output.name]
