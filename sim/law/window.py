"""The window law: what counts is where the whole train lies after local activation."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import erf

from sim.heart.conduction import refractory_s
from sim.heart.parameters import FloatArray
from sim.heart.train import LeadName, Train
from sim.law.response_law import LawInputs
from sim.law.shapes import LEADS, above_threshold, lead_share, saturated
from sim.law.sized import ChargeLaw
from sim.law.spread import Even, LogNormal, Normal, drawn
from sim.units import MS_PER_S, S_PER_MIN


@dataclass(frozen=True, slots=True)
class Window(ChargeLaw):
    """Each lead's train counts as far as it lies in the patient's window.

    The window is a bell after the local activation at that lead; what lies outside
    takes some away again. Wider phases and more pulses make a train longer and so move
    its best delay, as does the lag between the leads; place and width of the window are
    shares of the refractory period, and so follow the rate. A13 and A15 allow it: the
    effect hangs on delay, duration and number of pulses. The place of the window, its
    width, and how far V1's muscle is apart from its sense, are assumed. Their spreads
    (place SD 5 ms, not 8; V1 6 ms, not 8; width CV 0.25, not 0.36; loss outside up to
    0.3, not 0.4) were narrowed because the factory settings alone would otherwise
    spread the gain more than A16 does.
    """

    name: ClassVar[str] = "window"
    summary: ClassVar[str] = "where the whole train lies in a window after activation"
    g_one_lead_frac: float = drawn(
        0.067, LogNormal(0.124, 0.07), "A3 laws, A16", "fitted"
    )
    threshold_frac: float = drawn(0.35, Even(0.25, 0.45), "A3 laws, window")
    centre_frac: float = drawn(0.19, Normal(0.19, 0.02, 0.08, 0.3), "A3 laws, window")
    width_frac: float = drawn(0.042, LogNormal(0.042, 0.25), "A3 laws, window")
    v1_later_ms: float = drawn(0.0, Normal(0.0, 6.0, -18.0, 18.0), "A3 laws, window")
    negative_frac: float = drawn(0.2, Even(0.1, 0.3), "A3 laws, window")

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the sum over the leads of strength times overlap, eq. 43."""
        refractory_ms = MS_PER_S * refractory_s(
            patient.conduction, S_PER_MIN / patient.rhythm.heart_rate_bpm
        )
        total = np.zeros(train.shape)
        for lead in LEADS:
            ohm = train.v1_ohm if lead == "V1" else train.v2_ohm
            u = above_threshold(self.current(train, ohm), self.threshold_frac)
            part = saturated(u, self.k) * self.overlap(
                train, self.start_ms(train, patient, lead), refractory_ms
            )
            total = total + lead_share(self.two_lead_factor, train, lead) * part
        return total

    def start_ms(self, train: Train, patient: LawInputs, lead: LeadName) -> FloatArray:
        """Return when the train begins after the muscle at a lead is activated."""
        later_ms = self.v1_later_ms if lead == "V1" else 0.0
        return patient.since_activation_ms(train, lead) - later_ms

    def overlap(
        self, train: Train, start_ms: FloatArray, refractory_ms: float
    ) -> FloatArray:
        """Return the share of a nominal train that a train has inside, less outside."""
        length_ms = train.length_ms
        width_ms = self.width_frac * refractory_ms
        early = (start_ms - self.centre_frac * refractory_ms) / width_ms
        late = early + length_ms / width_ms
        bell = erf(late / np.sqrt(2.0)) - erf(early / np.sqrt(2.0))
        inside_ms = width_ms * np.sqrt(0.5 * np.pi) * bell
        outside_ms = length_ms - inside_ms
        # eq. 43
        value: FloatArray = (
            inside_ms - self.negative_frac * outside_ms
        ) / self.nominal_train_ms
        return value
