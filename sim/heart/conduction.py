"""When and how strongly each lead sees a beat; when the muscle may be excited again."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim.heart.contractility import AF, PVC, SINUS, VT
from sim.heart.parameters import FloatArray
from sim.heart.stock import Stock
from sim.sources import sourced
from sim.units import S_PER_MIN, S_PER_MS

_BLOCK: Final = 1024
_DRAWS_PER_BEAT: Final = 6


@dataclass(frozen=True, slots=True)
class ConductionParameters:
    """Electrical timing and amplitudes of one patient.

    Lags count from the ventricular activation (QRS onset) to the leading edge at the
    lead; V1 is the reference channel and V2 the local sense by default. An ectopic beat
    comes from elsewhere, so it reaches the leads in another order.
    """

    pr_ms: float = sourced(175.0, "ccmlab-evidence", "E Conduction", "recalled")
    pr_jitter_ms: float = sourced(4.0, "ccmlab-evidence", "E Conduction", "assumed")
    qrs_ms: float = sourced(102.0, "ccmlab-evidence", "B cohort QRS", "recalled")
    qt_ms: float = sourced(400.0, "ccmlab-evidence", "E Conduction QTc", "derived")
    v1_lag_ms: float = sourced(15.0, "ccmlab-evidence", "E Conduction", "assumed")
    v2_lag_ms: float = sourced(25.0, "ccmlab-evidence", "E Conduction", "assumed")
    lag_jitter_ms: float = sourced(1.5, "ccmlab-evidence", "E Conduction", "assumed")
    ectopic_v1_lag_ms: float = sourced(
        55.0, "ccmlab-evidence", "E Conduction", "assumed"
    )
    ectopic_v2_lag_ms: float = sourced(
        10.0, "ccmlab-evidence", "E Conduction", "assumed"
    )
    ectopic_jitter_ms: float = sourced(
        6.0, "ccmlab-evidence", "E Conduction", "assumed"
    )
    atrial_mv: float = sourced(2.5, "ccmlab-evidence", "E Conduction", "assumed")
    v1_mv: float = sourced(9.0, "ccmlab-evidence", "E Conduction", "assumed")
    v2_mv: float = sourced(8.0, "ccmlab-evidence", "E Conduction", "assumed")
    ectopic_mv_factor: float = sourced(
        1.2, "ccmlab-evidence", "E Conduction", "assumed"
    )
    amplitude_cv_frac: float = sourced(
        0.06, "ccmlab-evidence", "E Conduction", "assumed"
    )
    erp_ms: float = sourced(250.0, "ccmlab-device", "2.3 refractory bound", "recalled")
    erp_reference_bpm: float = sourced(74.0, "ccmlab-evidence", "C2 HR", "fitted")
    erp_slope_frac: float = sourced(
        0.10, "ccmlab-device", "2.3 refractory bound", "assumed"
    )


class Activation(NamedTuple):
    """One ventricular beat as the leads see it, in absolute seconds and millivolts.

    `at_s` is the ventricular activation; `atrial_s` is None where no organised atrial
    beat led to it; `refractory_end_s` is the end of the absolute refractory period of
    the muscle that is activated first, the safe side for both leads.
    """

    at_s: float
    origin: int
    atrial_s: float | None
    v1_s: float
    v2_s: float
    atrial_mv: float
    v1_mv: float
    v2_mv: float
    refractory_end_s: float


def refractory_s(parameters: ConductionParameters, rr_s: float) -> float:
    """Return the absolute refractory period after an interval of `rr_s`.

    It shortens by `erp_slope_frac` of what the interval is shorter than at the
    reference rate, and lengthens alike.
    """
    # eq. 27
    longer_s = rr_s - S_PER_MIN / parameters.erp_reference_bpm
    return parameters.erp_ms * S_PER_MS + parameters.erp_slope_frac * longer_s


class Conduction:
    """Draws each beat's activation times, in beat order, from its own generator.

    `posture_lag_ms` is what the present posture adds to the lag of V2,
    `posture_mv_factor` what it makes of both ventricular amplitudes; `stock` has the
    draws of the beats to come.
    """

    def __init__(
        self, parameters: ConductionParameters, rng: np.random.Generator
    ) -> None:
        self.parameters = parameters
        self._rng = rng
        self.stock = Stock(np.empty((0, 0)))
        self.posture_lag_ms = 0.0
        self.posture_mv_factor = 1.0

    def activate(self, at_s: float, origin: int, previous_rr_s: float) -> Activation:
        """Return the next beat's times and amplitudes; call once per beat, in order.

        Parameters
        ----------
        at_s
            Clock time of the ventricular activation.
        origin
            `SINUS`, `PVC`, `AF` or `VT` of `sim.heart.contractility`.
        previous_rr_s
            Interval that ended with this activation; sets the refractory period.
        """
        pr_s, v1_s, v2_s, early_v1_s, early_v2_s, a, r1, r2 = self._next_row()
        atrial_s = at_s - pr_s if origin == SINUS else None
        if is_ectopic(origin):
            v1_s, v2_s = early_v1_s, early_v2_s
            r1 *= self.parameters.ectopic_mv_factor
            r2 *= self.parameters.ectopic_mv_factor
        if self.posture_lag_ms != 0.0 or self.posture_mv_factor != 1.0:
            v2_s += self.posture_lag_ms * S_PER_MS
            r1, r2 = r1 * self.posture_mv_factor, r2 * self.posture_mv_factor
        # the muscle activated first recovers first: the safe side for a train on either
        first_s = v1_s if v1_s < v2_s else v2_s
        end_s = at_s + first_s + refractory_s(self.parameters, previous_rr_s)
        return Activation(
            at_s, origin, atrial_s, at_s + v1_s, at_s + v2_s, a, r1, r2, end_s
        )

    def stock_up(self) -> FloatArray:
        """Return the draws of the beats to come; a new block where none is left."""
        if not len(self.stock):
            self.stock = Stock(self._drawn())
        return self.stock.left

    def _next_row(self) -> list[float]:
        self.stock_up()
        row: list[float] = self.stock.take(1)[0].tolist()
        return row

    def _drawn(self) -> FloatArray:
        """Draw many beats at once: PR, lags of own and ectopic beats, amplitudes."""
        p, z = self.parameters, self._rng.standard_normal((_BLOCK, _DRAWS_PER_BEAT))
        # eq. 28
        pr_ms = p.pr_ms + p.pr_jitter_ms * z[:, :1]
        own_ms = [p.v1_lag_ms, p.v2_lag_ms] + p.lag_jitter_ms * z[:, 1:3]
        # the same draws for own and ectopic beats: an ectopic shifts no later beat
        early_ms = [p.ectopic_v1_lag_ms, p.ectopic_v2_lag_ms] + (
            p.ectopic_jitter_ms * z[:, 1:3]
        )
        lags_ms = np.maximum(0.0, np.hstack((pr_ms, own_ms, early_ms)))
        mv = [p.atrial_mv, p.v1_mv, p.v2_mv] * (1.0 + p.amplitude_cv_frac * z[:, 3:])
        return np.hstack((lags_ms * S_PER_MS, mv))


def is_ectopic(origin: int) -> bool:
    """Return whether a beat comes from the ventricle itself."""
    return origin in (PVC, VT)


def latency_ms(parameters: ConductionParameters, origin: int = SINUS) -> float:
    """Return the mean time from V1 to V2; negative when V2 is reached first."""
    if origin in (SINUS, AF):
        return parameters.v2_lag_ms - parameters.v1_lag_ms
    return parameters.ectopic_v2_lag_ms - parameters.ectopic_v1_lag_ms
