"""The ICD beside the device: what its markers show, when it is read and at the end."""

from collections.abc import Iterator
from typing import Final

from sim.device.icd import Icd, IcdBeat, IcdWatch, watch_icd
from sim.device.settings import Settings
from sim.units import S_PER_MS
from sim.visit.visit import Visit

ICD: Final = Icd()


def icd_watch(visit: Visit, settings: Settings) -> IcdWatch:
    """Return what the ICD would count in the last beats, each with a train."""
    distance_cm = visit.patient.profile.icd_distance_cm
    artefact_mv = ICD.artefact_at_mv(settings.amplitude_v, distance_cm)
    return watch_icd(ICD, icd_beats(visit, settings), artefact_mv)


def icd_beats(visit: Visit, settings: Settings) -> Iterator[IcdBeat]:
    """Yield the last beats as at the ICD's lead, were each to get a train."""
    for beat in visit.bedside.recent_activations(ICD.watched_beats):
        local_s = beat.v1_s if settings.ls_channel == "V1" else beat.v2_s
        start_s = local_s + settings.delay_ms * S_PER_MS
        yield IcdBeat(beat.at_s, start_s, start_s + settings.train_ms * S_PER_MS)


def icd_markers(seen: IcdWatch) -> str:
    """Return what the ICD's marker channel shows, in words."""
    if seen.n_double == 0:
        return "one ventricular marker a beat"
    text = f"double counting in {seen.n_double} of {seen.n_beats} beats"
    if seen.detects_fibrillation:
        return f"{text}, detected as ventricular fibrillation: the ICD would shock"
    rate_bpm = ICD.shock_rate_bpm(seen.counted_ms)
    return f"{text}, from {rate_bpm:.0f} beats/min on the ICD would shock"


def interrogate_icd(visit: Visit) -> bool:
    """Read the ICD: its memory shows whether it has counted trains as beats.

    Returns whether so many that it would shock as soon as there are trains again.
    """
    if not visit.patient.profile.has_icd:
        return False
    found = visit.generator.settings
    text, would_shock = "no episode since the last visit", False
    if visit.found.state == "ACTIVE" and found.delivers:
        seen = icd_watch(visit, found)
        if seen.n_double > 0:
            text = f"it has counted CCM trains as beats; {icd_markers(seen)}"
            would_shock = seen.detects_fibrillation
    icd = visit.bedside.icd
    if icd is not None and icd.n_shocks > 0:
        text = f"shocks today: {icd.n_shocks}, CCM trains were counted as beats"
    visit.note("interrogation", f"ICD interrogated: {text}")
    return would_shock
