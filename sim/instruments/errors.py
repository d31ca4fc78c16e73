"""The error of each instrument, and how a patient wanders during a visit."""

from dataclasses import dataclass, field
from typing import Final

from sim.sources import sourced
from sim.units import MMHG_PER_CM_OF_BLOOD

PROTOCOL: Final = "ccmlab-protocol"
PLACE: Final = "2, table of readouts"


@dataclass(frozen=True, slots=True)
class PressureError:
    """Error of the beat-to-beat finger pressure, per channel.

    The diastolic pressure takes `diastolic_share_frac` of all that the systolic one
    does, and has a white error `white_dbp_mmhg` of its own.
    """

    white_sbp_mmhg: float = sourced(2.5, PROTOCOL, PLACE, "assumed")
    white_dbp_mmhg: float = sourced(1.5, PROTOCOL, PLACE, "assumed")
    breath_sbp_mmhg: float = sourced(3.0, PROTOCOL, PLACE, "assumed")
    slow_sbp_mmhg: float = sourced(2.0, PROTOCOL, PLACE, "assumed")
    slow_tau_s: float = sourced(10.0, PROTOCOL, PLACE, "assumed")
    diastolic_share_frac: float = sourced(0.9, PROTOCOL, "2, channels; N11", "fitted")
    hand_height_sd_cm: float = sourced(2.0, PROTOCOL, PLACE, "assumed")
    hand_moves_per_hour: float = sourced(2.0, PROTOCOL, PLACE, "assumed")
    mmhg_per_cm: float = sourced(MMHG_PER_CM_OF_BLOOD, PROTOCOL, PLACE, "recalled")
    calibration_every_s: float = sourced(60.0, PROTOCOL, PLACE, "assumed")
    calibration_pause_s: float = sourced(2.5, PROTOCOL, PLACE, "assumed")
    lost_signal_frac: float = sourced(0.03, PROTOCOL, PLACE, "assumed")
    lost_spell_s: float = sourced(60.0, PROTOCOL, PLACE, "assumed")
    held_spell_s: float = sourced(240.0, PROTOCOL, PLACE, "assumed")


@dataclass(frozen=True, slots=True)
class CatheterError(PressureError):
    """Error of a pressure read by catheter: nearly all of it is the patient's own.

    Breathing and slow waves are those of the finger; no hand to move, no pauses.
    """

    white_sbp_mmhg: float = sourced(2.2, PROTOCOL, "2, catheter; N12", "fitted")
    white_dbp_mmhg: float = sourced(1.0, PROTOCOL, "2, catheter", "assumed")
    hand_height_sd_cm: float = sourced(0.0, PROTOCOL, "2, catheter", "assumed")
    calibration_pause_s: float = sourced(0.0, PROTOCOL, "2, catheter", "assumed")
    lost_signal_frac: float = sourced(0.0, PROTOCOL, "2, catheter", "assumed")


@dataclass(frozen=True, slots=True)
class Drift:
    """How the patient wanders during a visit: a smooth trend and a small AR(1)."""

    trend_frac: float = sourced(
        0.05, "dpdt-noise-2014", "abstract: drift first to last baseline", "measured"
    )
    trend_over_s: float = sourced(5400.0, PROTOCOL, "2", "assumed")
    wander_frac: float = sourced(0.015, PROTOCOL, "2, calibration", "fitted")
    wander_tau_s: float = sourced(300.0, PROTOCOL, "2", "assumed")


@dataclass(frozen=True, slots=True)
class CuffError:
    """Error of one oscillometric cuff reading."""

    sd_mmhg: float = sourced(5.0, PROTOCOL, PLACE, "recalled")
    rounding_mmhg: float = sourced(2.0, PROTOCOL, PLACE, "recalled")


@dataclass(frozen=True, slots=True)
class EchoError:
    """Error of the Doppler velocity-time integral of the outflow tract."""

    per_beat_frac: float = sourced(0.08, PROTOCOL, PLACE, "recalled")
    probe_frac: float = sourced(0.03, PROTOCOL, PLACE, "assumed")
    probe_tau_s: float = sourced(300.0, PROTOCOL, PLACE, "assumed")
    beats_read: int = sourced(5, PROTOCOL, PLACE, "assumed")
    outflow_area_cm2: float = sourced(3.5, PROTOCOL, PLACE, "assumed")


@dataclass(frozen=True, slots=True)
class InvasiveError:
    """Error of the invasive LV dP/dt max (research only)."""

    per_beat_frac: float = sourced(0.025, PROTOCOL, PLACE, "assumed")
    breath_frac: float = sourced(
        0.064, "dpdt-noise-2014", "abstract: respiratory variation", "measured"
    )
    slow_frac: float = sourced(0.017, PROTOCOL, "2, calibration", "fitted")
    slow_tau_s: float = sourced(10.0, PROTOCOL, PLACE, "assumed")


@dataclass(frozen=True, slots=True)
class Errors:
    """The error models of all readouts."""

    pressure: PressureError = field(default_factory=PressureError)
    catheter: CatheterError = field(default_factory=CatheterError)
    drift: Drift = field(default_factory=Drift)
    cuff: CuffError = field(default_factory=CuffError)
    echo: EchoError = field(default_factory=EchoError)
    invasive: InvasiveError = field(default_factory=InvasiveError)
