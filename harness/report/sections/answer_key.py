"""Last, and set apart: the simulator's truth, which nobody in the visit knew."""

from typing import Annotated, Final

import numpy as np

from harness.report.case import Case
from harness.report.parts import UNPRINTED, Fact, Part
from harness.report.section import Section
from harness.report.values import gain
from harness.truth.answer_key import Loop as TrueLoop


class Loop(Part):
    """A pressure-volume loop of the left ventricle."""

    volume_ml: tuple[float, ...]
    pressure_mmhg: tuple[float, ...]


class AnswerKey(Part):
    """The simulator's truth, which nobody in the visit knew."""

    statement: str
    facts: tuple[Fact, ...]
    reference_loop: Annotated[Loop, UNPRINTED]
    final_loop: Annotated[Loop, UNPRINTED]


def answer_key_part(case: Case) -> AnswerKey:
    """Return the simulator's truth."""
    truth = case.truth
    return AnswerKey(
        statement=(
            "The simulator's truth, not known to anybody in the visit and not used by "
            "it. It is here to score the visit. The candidate is the setting that the "
            "visit chose to verify; where there was none, the final settings."
        ),
        facts=(
            Fact(
                label="Window gain of the candidate (what verification estimates)",
                value=gain(truth.window_gain_pct),
            ),
            Fact(
                label="Settled gain of systolic pressure, candidate",
                value=gain(truth.settled_systolic_gain_pct),
            ),
            Fact(
                label="Settled gain of LV dP/dt max, candidate",
                value=gain(truth.settled_dpdt_gain_pct),
            ),
            Fact(
                label="Contractility (LV Ees) over CCM off, reference values",
                value=gain(truth.reference_ees_gain_pct),
            ),
            Fact(
                label="Contractility (LV Ees) over CCM off, final values",
                value=gain(truth.final_ees_gain_pct),
            ),
        ),
        reference_loop=_loop(truth.reference_loop),
        final_loop=_loop(truth.final_loop),
    )


def _loop(loop: TrueLoop) -> Loop:
    return Loop(
        volume_ml=tuple(np.round(loop.volume_ml, 2).tolist()),
        pressure_mmhg=tuple(np.round(loop.pressure_mmhg, 2).tolist()),
    )


ANSWER_KEY: Final = Section(
    name="answer-key",
    order=130,
    title="Answer key (the simulator's truth, not known to the visit)",
    short="Answer key",
    holds_truth=True,
    build=answer_key_part,
)
