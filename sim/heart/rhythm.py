"""When the next ventricular beat comes, and from where.

The life of an interval. `next_interval` is asked once a beat, right after an
activation. The basic interval is the resting one plus the variability at this clock
time plus the reflex (eq. 25 of docs/model.md), in atrial fibrillation times an
irregular number instead. An ectopic event that falls due before it ends takes its
place: the premature beat comes at a share of it, a run goes on in a cycle of its own,
and the sinus beat after it waits for the node's own next impulse, the compensatory
pause. A train may provoke ectopics or, by way of the atrium, advance the next beat.

Heart rate variability and ectopic times are functions of clock time, fixed when a
`Rhythm` is made; atrial fibrillation is drawn in beat order. So another search strategy
meets the same patient: device settings do not move the spontaneous rhythm.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim.heart.contractility import AF, PVC, SINUS, VT
from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray
from sim.heart.stock import Stock
from sim.sources import sourced
from sim.units import S_PER_H, S_PER_MIN, S_PER_MS

GRID_S: Final = 0.25
_LEAST_PERIOD_S: Final = 16384.0
_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class RhythmParameters:
    """Rate, variability and ectopy of one patient; defaults are HFrEF's.

    `kind` is "sinus" or "af". Ectopic rates are redrawn, at random times, from a gamma
    distribution of shape `cluster_shape` around `pvc_per_hour`.
    """

    kind: str = "sinus"
    heart_rate_bpm: float = sourced(74.0, "ccmlab-evidence", "C2 HR HFrEF", "fitted")
    sdnn_ms: float = sourced(22.0, "ccmlab-evidence", "E HRV", "recalled")
    vlf_power_frac: float = sourced(0.4, "ccmlab-evidence", "E HRV", "assumed")
    lf_hf_ratio: float = sourced(1.5, "ccmlab-evidence", "E HRV", "recalled")
    lf_hz: float = sourced(0.1, "mcsharry2003", "E07", "measured")
    breathing_hz: float = sourced(0.25, "mcsharry2003", "E07", "measured")
    band_sd_hz: float = sourced(0.01, "mcsharry2003", "E07", "measured")
    vlf_memory_s: float = sourced(60.0, "ccmlab-evidence", "E HRV", "assumed")
    vlf_edge_hz: float = sourced(0.04, "ccmlab-evidence", "E HRV", "recalled")
    pvc_per_hour: float = sourced(24.0, "ccmlab-evidence", "E PVCs", "assumed")
    cluster_shape: float = sourced(0.14, "ccmlab-evidence", "E PVCs E03", "fitted")
    cluster_min: float = sourced(30.0, "ccmlab-evidence", "E PVCs", "assumed")
    coupling_low_frac: float = sourced(0.50, "ccmlab-evidence", "E PVCs", "recalled")
    coupling_high_frac: float = sourced(0.75, "ccmlab-evidence", "E PVCs", "recalled")
    couplet_frac: float = sourced(0.07, "ccmlab-evidence", "E PVCs", "recalled")
    run_frac: float = sourced(0.0005, "ccmlab-evidence", "E PVCs", "assumed")
    run_least_beats: int = sourced(3, "ccmlab-evidence", "E PVCs", "assumed")
    run_stop_frac: float = sourced(0.4, "ccmlab-evidence", "E PVCs", "assumed")
    run_cycle_s: float = sourced(0.40, "ccmlab-evidence", "E PVCs", "assumed")
    provoked_coupling_frac: float = sourced(
        0.55, "ccmlab-evidence", "E PVCs", "assumed"
    )
    least_captured_s: float = sourced(0.2, "ccmlab-evidence", "E PVCs", "assumed")
    recovery_frac: float = sourced(0.9, "ccmlab-evidence", "E PVCs", "assumed")
    af_cv_frac: float = sourced(0.25, "ccmlab-evidence", "E AF", "recalled")
    least_rr_s: float = sourced(0.33, "ccmlab-evidence", "E", "assumed")
    most_rr_s: float = sourced(2.0, "ccmlab-evidence", "E", "assumed")


class NextBeat(NamedTuple):
    """Time from one ventricular activation to the next, and the next one's origin."""

    rr_s: float
    next_origin: int


class Ectopic(NamedTuple):
    """One spontaneous ectopic event: earliest clock time, coupling, number of beats."""

    at_s: float
    coupling_frac: float
    n_beats: int


def variability_s(
    parameters: RhythmParameters, rng: np.random.Generator, duration_s: float
) -> FloatArray:
    """Draw the sinus interval's variation on a grid of `GRID_S`.

    Returns
    -------
    (m,)
        Seconds around 0, periodic, with three bands (very low, low, breathing) whose
        5-minute SD has the expected square `sdnn_ms`; m does not depend on
        `duration_s` up to 4.5 hours.
    """
    # a power of two for the FFT; longer than most visits, so that the wave is the
    # same whether a visit may last one hour or four
    period_s = max(_LEAST_PERIOD_S, 2.0 ** math.ceil(math.log2(duration_s + GRID_S)))
    n = round(period_s / GRID_S)
    frequency_hz: FloatArray = np.fft.rfftfreq(n, GRID_S).astype(np.float64)
    power = _spectrum(parameters, frequency_hz)
    shape = (frequency_hz.size, 2)
    wave = np.sqrt(power) * (rng.standard_normal(shape) @ np.array([1.0, 1.0j]))
    # the mean is the resting interval's
    wave[0] = 0.0
    signal: FloatArray = np.fft.irfft(wave, n) * (n / 2.0)
    return signal


def _spectrum(parameters: RhythmParameters, frequency_hz: FloatArray) -> FloatArray:
    """Return the variance of each Fourier line, in s^2."""
    total_s2 = (parameters.sdnn_ms * S_PER_MS) ** 2
    slow = parameters.vlf_power_frac
    high = (1.0 - slow) / (1.0 + parameters.lf_hf_ratio)
    low = 1.0 - slow - high
    corner = 2.0 * np.pi * frequency_hz * parameters.vlf_memory_s
    seen = frequency_hz >= 1.0 / (5.0 * S_PER_MIN)  # the part a 5-minute SD sees
    below = frequency_hz < parameters.vlf_edge_hz
    bands = (
        # very low: the spectrum of a first-order memory
        (slow, np.where(below, 1.0 / (1.0 + corner**2), 0.0) * seen),
        (low, _bell(frequency_hz, parameters.lf_hz, parameters.band_sd_hz)),
        (high, _bell(frequency_hz, parameters.breathing_hz, parameters.band_sd_hz)),
    )
    power: FloatArray = sum(
        (share * total_s2 * shape / shape.sum() for share, shape in bands),
        np.zeros_like(frequency_hz),
    )
    return power


def _bell(frequency_hz: FloatArray, centre_hz: float, sd_hz: float) -> FloatArray:
    shape: FloatArray = np.exp(-0.5 * ((frequency_hz - centre_hz) / sd_hz) ** 2)
    return shape


def ectopic_events(
    parameters: RhythmParameters, rng: np.random.Generator, duration_s: float
) -> list[Ectopic]:
    """Draw every spontaneous ectopic event of a visit, in order of clock time.

    Unit exponentials are used up at a rate that is constant between the random times of
    a redraw: `pvc_per_hour` times a gamma number of mean 1.
    """
    events: list[Ectopic] = []
    start_s, left = 0.0, rng.exponential()
    while start_s < duration_s and parameters.pvc_per_hour > 0.0:
        end_s = start_s + rng.exponential(parameters.cluster_min * S_PER_MIN)
        shape = parameters.cluster_shape
        per_s = parameters.pvc_per_hour / S_PER_H * rng.gamma(shape, 1.0 / shape)
        now_s = start_s
        # eq. 26; what is left of an exponential goes on at the new rate: no clock tick
        while left <= per_s * (end_s - now_s):
            now_s += left / per_s
            events.append(_ectopic(parameters, rng, now_s))
            left = rng.exponential()
        left -= per_s * (end_s - now_s)
        start_s = end_s
    return [event for event in events if event.at_s < duration_s]


def _ectopic(
    parameters: RhythmParameters, rng: np.random.Generator, at_s: float
) -> Ectopic:
    coupling = rng.uniform(parameters.coupling_low_frac, parameters.coupling_high_frac)
    # always both, so that one event's kind does not shift the draws of the next
    kind, extra = rng.random(), rng.geometric(parameters.run_stop_frac)
    if kind < parameters.run_frac:
        return Ectopic(at_s, coupling, parameters.run_least_beats - 1 + int(extra))
    couplet = kind < parameters.run_frac + parameters.couplet_frac
    return Ectopic(at_s, coupling, 2 if couplet else 1)


@kernel
def own_interval_s(
    now_s: float,
    shift_s: float,
    rhythm: FloatArray,
    waves: FloatArray,
    irregular: FloatArray,
    beat: int,
) -> float:
    """Return the patient's own interval, s, as `Rhythm`; for who plays many beats.

    Parameters
    ----------
    now_s, shift_s
        Clock time, and what the reflex adds.
    rhythm
        Begins with the mean interval, the least and the most.
    waves, irregular
        Variability on its grid; in fibrillation the factors to come, else empty.
    beat
        Which of the factors it takes.
    """
    # eq. 25
    rr_s = rhythm[0] + shift_s
    if irregular.size > 0:
        rr_s *= irregular[beat]
    else:
        place = now_s / GRID_S
        left = int(place)
        before = waves[left % waves.size]
        rr_s += before + (place - left) * (waves[(left + 1) % waves.size] - before)
    return float(min(max(rr_s, rhythm[1]), rhythm[2]))


class Rhythm:
    """The beat-by-beat rhythm of one patient in one visit.

    Parameters
    ----------
    parameters
        The patient's rhythm.
    rng_rhythm, rng_ectopy
        Generators of the streams "rhythm" and "ectopy"; used for nothing else.
    duration_s
        How long the visit may last; spontaneous ectopics are drawn up to here.

    Attributes
    ----------
    waves
        Variability on its grid, empty until it is drawn.
    irregular
        In fibrillation, the factors of the intervals to come.
    """

    def __init__(
        self,
        parameters: RhythmParameters,
        rng_rhythm: np.random.Generator,
        rng_ectopy: np.random.Generator,
        duration_s: float,
    ) -> None:
        if parameters.kind not in ("sinus", "af"):
            raise ValueError(f"kind must be 'sinus' or 'af', got {parameters.kind!r}")
        self.parameters = parameters
        self.is_af = parameters.kind == "af"
        self.base_origin = AF if self.is_af else SINUS
        self._duration_s = duration_s
        self.ectopics = self._drawn_ectopics(rng_ectopy)
        self._mean_rr_s = S_PER_MIN / parameters.heart_rate_bpm
        self._rng = rng_rhythm
        self._least_s, self._most_s = parameters.least_rr_s, parameters.most_rr_s
        self.waves: FloatArray = np.empty(0)
        self.irregular = Stock(np.empty(0))
        if not self.is_af:
            self._draw_waves()
        self._set_next_ectopic(0)
        self._run_left = 0
        self._run_length = 0
        self._coupling = parameters.provoked_coupling_frac
        self._captured_s: float | None = None
        self._advanced_s: float | None = None
        self._since_sinus_s = 0.0

    @property
    def next_ectopic_s(self) -> float:
        """Earliest clock time of the next spontaneous ectopic."""
        return self._next_ectopic_s

    @property
    def is_usual(self) -> bool:
        """Whether no ectopic, no pause and no advanced beat is under way."""
        return (
            self._run_left == 0
            and self._since_sinus_s == 0.0
            and self._advanced_s is None
        )

    def next_interval(self, now_s: float, reflex_s: float = 0.0) -> NextBeat:
        """Return the interval that starts at `now_s`; call once per beat, in order.

        Parameters
        ----------
        now_s
            Clock time of the ventricular activation that has just happened.
        reflex_s
            What the baroreflex adds to the sinus interval.
        """
        basic_s = self._basic_s(now_s, reflex_s)
        advanced_s, self._advanced_s = self._advanced_s, None
        # while an ectopic or its pause lasts, no other begins
        if self._since_sinus_s == 0.0 and self._next_ectopic_s < now_s + basic_s:
            self._start_ectopic(now_s + basic_s)
        if self._run_left > 0:
            return self._premature(basic_s)
        if self._since_sinus_s > 0.0:
            return self._pause(basic_s)
        if advanced_s is not None:
            basic_s = min(basic_s, max(advanced_s, self._least_s))
        return NextBeat(basic_s, self.base_origin)

    def provoke(self, n_beats: int, after_s: float | None = None) -> None:
        """Make the next `n_beats` beats ectopic; three or more are a run.

        Parameters
        ----------
        n_beats
            Number of beats; 0 changes nothing.
        after_s
            Interval to the first of them, where a stimulus captured the muscle; by
            default the usual coupling.
        """
        if n_beats < 0:
            raise ValueError(f"n_beats must be 0 or more, got {n_beats}")
        if n_beats > 0:
            self._run_left = self._run_length = n_beats
            self._coupling = self.parameters.provoked_coupling_frac
            self._captured_s = after_s

    def advance(self, after_s: float) -> None:
        """Let the atrium, captured by a stimulus, lead to the next beat `after_s` on.

        An ectopic of the ventricle that comes first wins. The sinus node is reset.
        """
        self._advanced_s = after_s

    def fibrillate(self, *, fibrillating: bool) -> None:
        """Let fibrillation of the atria begin, or end, with the next interval."""
        self.is_af = fibrillating
        self.base_origin = AF if fibrillating else SINUS
        self._advanced_s = None
        if not (fibrillating or self.waves.size):
            self._draw_waves()

    def end_run(self) -> None:
        """Stop a ventricular run: the next beat is the patient's own again."""
        self._run_left = 0

    def _drawn_ectopics(self, rng: np.random.Generator) -> list[Ectopic]:
        return ectopic_events(self.parameters, rng, self._duration_s)

    def _draw_waves(self) -> None:
        self.waves = variability_s(self.parameters, self._rng, self._duration_s)

    def _basic_s(self, now_s: float, reflex_s: float) -> float:
        # eq. 25
        rr_s = self._mean_rr_s + reflex_s
        if self.is_af:
            rr_s *= self._next_irregular()
        else:
            place = now_s / GRID_S
            left = int(place)
            before = self._wave_s(left)
            rr_s += before + (place - left) * (self._wave_s(left + 1) - before)
        if rr_s < self._least_s:
            return self._least_s
        return rr_s if rr_s < self._most_s else self._most_s

    def _wave_s(self, place: int) -> float:
        return float(self.waves[place % self.waves.size])

    def stock_up(self) -> FloatArray:
        """Return the irregular numbers to come; a new block where none is left."""
        if not len(self.irregular):
            self.irregular = Stock(self._drawn_irregular())
        return self.irregular.left

    def _next_irregular(self) -> float:
        self.stock_up()
        return float(self.irregular.take(1)[0])

    def _drawn_irregular(self) -> FloatArray:
        shape = self.parameters.af_cv_frac**-2
        return self._rng.gamma(shape, 1.0 / shape, _BLOCK)

    def _start_ectopic(self, end_s: float) -> None:
        if self._run_left == 0:
            event = self.ectopics[self._next_ectopic]
            self._run_left = self._run_length = event.n_beats
            self._coupling = event.coupling_frac
        # Events that fall into the ectopic itself are absorbed by it.
        self._set_next_ectopic(bisect_left(self.ectopics, (end_s, 0.0, 0)))

    def _set_next_ectopic(self, index: int) -> None:
        self._next_ectopic = index
        has_more = index < len(self.ectopics)
        self._next_ectopic_s = self.ectopics[index].at_s if has_more else math.inf

    def _premature(self, basic_s: float) -> NextBeat:
        in_run = self._run_length >= self.parameters.run_least_beats
        first = self._run_left == self._run_length
        rr_s = self._coupling * basic_s
        if in_run and not first:
            rr_s = self.parameters.run_cycle_s
        rr_s = max(rr_s, self.parameters.least_rr_s)
        if self._captured_s is not None:
            rr_s = max(self._captured_s, self.parameters.least_captured_s)
            self._captured_s = None
        self._run_left -= 1
        self._since_sinus_s += rr_s
        return NextBeat(rr_s, VT if in_run else PVC)

    def _pause(self, basic_s: float) -> NextBeat:
        elapsed_s, self._since_sinus_s = self._since_sinus_s, 0.0
        # no node keeps time, hence no compensatory pause
        if self.is_af:
            return NextBeat(basic_s, AF)
        # The sinus node kept its beat: the first of its impulses that finds recovered
        # muscle conducts, which after one PVC is a full compensatory pause.
        ticks = math.ceil(elapsed_s / basic_s + self.parameters.recovery_frac)
        return NextBeat(ticks * basic_s - elapsed_s, SINUS)
