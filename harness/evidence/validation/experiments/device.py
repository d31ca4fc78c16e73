"""The device: what it delivers in a day, what it uses, what is felt of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from harness.evidence.validation.people import drawn, rng_of
from harness.evidence.validation.rules import (
    Finding,
    compared,
    exact,
    held,
    interval,
    limits_of_mean,
    limits_of_share,
    limits_of_spread,
    mean_of,
    near,
    printed,
    share_of,
    spread_of,
)
from sim.device.battery import Battery, LithiumCell
from sim.device.energy import energy_mj_per_train
from sim.device.generator import BeatSignals, PulseGenerator
from sim.device.lattice import Mode
from sim.device.leads import INTACT, LeadOhms, Leads
from sim.device.schedule import schedule_segment
from sim.device.settings import (
    Settings,
    axis_numbers,
    with_dependents,
    with_hours_per_day,
)
from sim.heart.conduction import Conduction, ConductionParameters
from sim.heart.parameters import FloatArray
from sim.heart.rhythm import Rhythm, RhythmParameters
from sim.heart.sensation import (
    FELT_GRADE,
    INTOLERABLE_GRADE,
    Sensation,
    SensationPopulation,
    reported_grade,
    sensation_level,
)
from sim.heart.train import Train
from sim.patient.chronic import BoolArray
from sim.patient.population import Draw
from sim.units import (
    FRAC_PER_PCT,
    H_PER_DAY,
    J_PER_MJ,
    MIN_PER_H,
    S_PER_MIN,
)

N_PATIENTS: Final = 300
N_BEATS: Final = 600
HOURS: Final = 5.0
N_ASKED: Final = 23 * 400


@dataclass(frozen=True, slots=True)
class Trial:
    """How one trial programmed the device, and whom it took."""

    settings: Settings
    takes_af: bool


TWO_LEADS: Final = Trial(with_dependents(Settings()), takes_af=True)
THREE_LEADS: Final = Trial(with_dependents(Settings(mode="ODO-LS-CCM")), takes_af=False)


def daily_trains(trial: Trial, name: str) -> FloatArray:
    """Return the trains that each virtual patient's device delivers in a day."""
    rng = rng_of(f"beats {name}")
    rhythms = (_rhythm(trial, draw) for draw in drawn(N_PATIENTS, name))
    return np.array([_trains(trial, rhythm, rng) for rhythm in rhythms])


def _rhythm(trial: Trial, draw: Draw) -> RhythmParameters:
    fibrillates = draw.fibrillates and trial.takes_af
    return RhythmParameters(
        kind="af" if fibrillates else "sinus",
        heart_rate_bpm=draw.heart_rate_bpm,
        pvc_per_hour=draw.pvc_per_hour,
        sdnn_ms=draw.sdnn_ms,
        lf_hf_ratio=draw.lf_hf_ratio,
    )


def _trains(
    trial: Trial, parameters: RhythmParameters, rng: np.random.Generator
) -> float:
    generator = PulseGenerator(trial.settings, Leads(rng=rng), Battery())
    generator.force_on = True
    rhythm = Rhythm(parameters, rng, rng, 2.0 * N_BEATS)
    conduction = Conduction(ConductionParameters(), rng)
    now_s, rr_s, origin = 0.0, S_PER_MIN / parameters.heart_rate_bpm, rhythm.base_origin
    for _ in range(N_BEATS):
        beat = conduction.activate(now_s, origin, rr_s)
        generator.beat(
            BeatSignals(
                *(beat.at_s, beat.atrial_s, beat.v1_s, beat.v2_s),
                *(beat.atrial_mv, beat.v1_mv, beat.v2_mv),
            )
        )
        rr_s, origin = rhythm.next_interval(now_s)
        now_s += rr_s
    share = generator.counters.delivered_pct * FRAC_PER_PCT
    beats_per_min = S_PER_MIN * N_BEATS / now_s
    return share * beats_per_min * HOURS * MIN_PER_H


def _delivered(trial: Trial, row: str, mean: float, sd: float, n: int) -> Finding:
    found = daily_trains(trial, row)
    kind = f"{trial.settings.mode}, {'some in AF' if trial.takes_af else 'no AF'}"
    return Finding(
        f"{N_PATIENTS} draws of the virtual cohort, {kind}, {N_BEATS} beats each at the"
        " resting rate through the device, 5 h a day",
        (
            compared("mean", f"{mean:g}", limits_of_mean(mean, sd, n), mean_of(found)),
            compared("SD", f"{sd:g}", limits_of_spread(sd, n), spread_of(found)),
        ),
        "Rate of a whole day and nights without charging are not in the model.",
    )


def b19() -> Finding:
    """Trains a day with two leads."""
    return _delivered(TWO_LEADS, "B19", 19892.0, 3472.0, 60)


def b20() -> Finding:
    """Trains a day with three leads."""
    return _delivered(THREE_LEADS, "B20", 19583.0, 4998.0, 74)


@cache
def hours_on(settings: Settings) -> tuple[float, float]:
    """Return the hours of a day on which the schedule allows CCM, and the segments."""
    at_s, on_s, n_on, day_s = 0.0, 0.0, 0, H_PER_DAY * MIN_PER_H * S_PER_MIN
    while at_s < day_s:
        segment = schedule_segment(settings, at_s)
        length_s = min(segment.left_s, day_s - at_s)
        on_s += length_s if segment.on else 0.0
        n_on += segment.on
        at_s += length_s
    return on_s / S_PER_MIN / MIN_PER_H, float(n_on)


def _schedule(hours: float) -> Finding:
    settings = with_hours_per_day(Settings(), hours)
    found, n_on = hours_on(settings)
    whole = printed(hours, 0.01)
    return Finding(
        f"schedule of the device, {hours:g} h programmed, played through a day",
        (
            compared("hours on", f"{hours:g}", whole, exact(found), unit="h"),
            compared("periods", f"{hours:g}", whole, exact(n_on)),
        ),
        "What was programmed, not an effect: the row checks that the device can.",
    )


def b40() -> Finding:
    """Seven one-hour periods."""
    return _schedule(7.0)


def b41() -> Finding:
    """Five one-hour periods, 3 h 48 min apart."""
    made = _schedule(5.0)
    pause = compared(
        "pause", "228", printed(228.0, 0.5), exact(Settings().ccm_off_min), unit="min"
    )
    return replace(made, parts=(*made.parts, pause))


def a22() -> Finding:
    """Share of patients who feel the trains at the amplitude in use."""
    used_v, felt = in_use(7.73, N_ASKED)
    share = share_of(int(felt.sum()), N_ASKED)
    return Finding(
        "400 studies of 23 patients drawn from the law of both thresholds; asked at"
        " 7.73 V, 0.5 V less until it is tolerated, then whether they feel it",
        (
            compared("feel CCM in use", "39", limits_of_share(9, 23), share, unit="%"),
            compared("amplitude in use", "7.73", near(7.73, 0.05), mean_of(used_v)),
        ),
    )


def in_use(amplitude_v: float, n: int) -> tuple[FloatArray, BoolArray]:
    """Return the amplitude that each of n patients is left at, and whether it is felt.

    From the amplitude asked for it goes down by half a volt as long as the patient says
    grade 2 or more.
    """
    rng, law = rng_of("A22"), SensationPopulation()
    felt_v, gap_v = (
        law.felt_v(rng.standard_normal(n)),
        law.gap_v(rng.standard_normal(n)),
    )
    used_v, felt = np.full(n, amplitude_v), np.zeros(n, dtype=np.bool_)
    for i in range(n):
        who = Sensation(
            felt_v=float(felt_v[i]), threshold_v=float(felt_v[i] + gap_v[i])
        )
        while (grade := _said(who, float(used_v[i]), rng)) >= INTOLERABLE_GRADE:
            used_v[i] -= 0.5
        felt[i] = grade >= FELT_GRADE
    return used_v, felt


def _said(who: Sensation, amplitude_v: float, rng: np.random.Generator) -> int:
    return reported_grade(who, float(sensation_level(who, Train(amplitude_v))), rng)


def _range(
    name: str,
    low: float,
    high: float,
    n: int,
    mode: str | None = None,
    model: str = "CCM X11",
) -> Finding:
    values = axis_numbers(name, mode=mode, model=model)
    where = f" in {mode}" if mode else ""
    return Finding(
        f"allowed values of {name}{where}, {model}",
        (
            compared("least", f"{low:g}", printed(low, 1e-6), exact(values[0])),
            compared("most", f"{high:g}", printed(high, 1e-6), exact(values[-1])),
            held("count", f"{n} values", f"{len(values)} values", len(values) == n),
        ),
    )


def f01() -> Finding:
    """Amplitudes."""
    return _range("amplitude_v", 4.5, 7.5, 7)


def f02() -> Finding:
    """Phase durations."""
    made = _range("phase_duration_ms", 5.14, 6.60, 4, model="CCM X10")
    note = (
        "The manual of the older Smart; its successor, CCM X11, is taken to have the"
        " same four values, since its own page was not read."
    )
    return replace(made, note=note)


def f03() -> Finding:
    """Numbers of pulses."""
    return _range("n_pulses", 1.0, 3.0, 3)


def f04() -> Finding:
    """Delays, without and with the limit of OVO, and those that can be programmed."""
    free = _range("delay_ms", 3.0, 140.0, 138)
    capped = _range("delay_ms", 3.0, 45.0, 43, "OVO-LS-CCM")
    parts = tuple(replace(part, label=f"OVO {part.label}") for part in capped.parts)
    left = programmable_delays_ms("OVO-LS-CCM")
    return Finding(
        free.how + ", and in OVO-LS-CCM",
        (*free.parts, *parts),
        "The menu has these values; the rules of the same manual leave"
        f" {len(left)} of them in OVO, {left[0]:g} to {left[-1]:g} ms: the post-LS"
        " refractory is at least 15 ms and at most the delay.",
    )


def programmable_delays_ms(mode: Mode) -> tuple[float, ...]:
    """Return the delays that some setting of the dependents lets be programmed."""
    nominal = Settings(mode=mode)
    return tuple(
        delay
        for delay in axis_numbers("delay_ms", mode=mode)
        if not with_dependents(replace(nominal, delay_ms=delay)).conflicts()
    )


def f05() -> Finding:
    """Charge of a phase."""
    found = exact(Settings().charge_uc_per_phase(400.0))
    part = compared("charge", "96", printed(96.0, 0.5), found, unit="uC")
    return Finding("nominal settings at 400 ohm", (part,))


def _channel_mj(impedance_ohm: float) -> float:
    one = replace(Settings(), ccm_channels="V1")
    return energy_mj_per_train(one, LeadOhms(impedance_ohm, impedance_ohm))


def f06() -> Finding:
    """Energy of a train and channel."""
    rows = ((2.9, 400.0), (2.3, 500.0))
    parts = tuple(
        compared(
            f"{ohm:g} ohm",
            f"{mj:g}",
            printed(mj, 0.05),
            exact(_channel_mj(ohm)),
            unit="mJ",
        )
        for mj, ohm in rows
    )
    return Finding("nominal settings, one channel", parts)


def f07() -> Finding:
    """Energy taken from the cell in a day."""
    n_trains = HOURS * MIN_PER_H * 70.0
    efficiency = LithiumCell().efficiency_frac
    parts = tuple(
        compared(
            f"{ohm:g} ohm",
            f"{joule:g}",
            near(joule, 0.02),
            exact(2.0 * _channel_mj(ohm) * J_PER_MJ * n_trains / efficiency),
            unit="J/day",
        )
        for joule, ohm in ((202.0, 400.0), (162.0, 500.0))
    )
    return Finding("nominal settings, 5 h a day at 70/min, two channels", parts)


def f08() -> Finding:
    """How long the cell lasts."""
    trains = 19892.0
    energy_mj = energy_mj_per_train(Settings(), INTACT)
    days = Battery(charge_frac=1.0).days_left(energy_mj, trains)
    return Finding(
        "full cell, nominal settings, 550 ohm, 19,892 trains a day",
        (
            compared(
                "days until trains stop",
                "7 or more",
                interval(7.0, 60.0, "a week of use must fit into one charge"),
                exact(days),
            ),
        ),
        "Capacity is recalled, efficiency assumed: only the direction is checked.",
    )


EXPERIMENTS: Final[Mapping[str, Callable[[], Finding]]] = {
    "A22": a22,
    "B19": b19,
    "B20": b20,
    "B40": b40,
    "B41": b41,
    "F01": f01,
    "F02": f02,
    "F03": f03,
    "F04": f04,
    "F05": f05,
    "F06": f06,
    "F07": f07,
    "F08": f08,
}
