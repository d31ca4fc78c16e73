"""The only unit conversions: multiply by a constant named after what it does."""

S_PER_MS = 1e-3
MS_PER_S = 1e3
S_PER_MIN = 60.0
S_PER_H = 3600.0
MIN_PER_H = 60.0
H_PER_DAY = 24.0
DAYS_PER_MONTH = 365.25 / 12.0
FRAC_PER_PCT = 0.01
PCT_PER_FRAC = 100.0
MMHG_PER_CM_OF_BLOOD = 0.77
A_PER_MA = 1e-3
MA_PER_A = 1e3
UC_PER_C = 1e6
J_PER_MJ = 1e-3
MJ_PER_J = 1e3
L_PER_ML = 1e-3
ML_PER_L = 1e3
MMHG_PER_KPA = 1.0 / 0.133322387415  # BIPM, SI brochure, 8th edition, table 8
J_PER_MWH = 3.6
CMH2O_PER_MMHG = 1.35951
CM_PER_M = 100.0


def rr_s(rate_bpm: float) -> float:
    """Return the beat-to-beat interval in seconds at a rate in beats per minute."""
    return S_PER_MIN / rate_bpm


def rate_bpm(interval_s: float) -> float:
    """Return the rate in beats per minute at a beat-to-beat interval in seconds."""
    return S_PER_MIN / interval_s
