"""The counters tell why little was delivered, and the visit mends what it can."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sim.device.events import Cause
from sim.device.schedule import scheduled_h_per_day
from sim.device.settings import Settings, with_dependents
from sim.patient import Patient, personalize, phenotype
from sim.sources import unsourced
from sim.visit.advisor import Nobody
from sim.visit.checklist import programming_visit, record
from sim.visit.delivery import DeliveryRules, losses
from sim.visit.interrogation import interrogate, mend_sensing
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.visit import Visit

USUAL = Settings(amplitude_v=5.0)
ISCHAEMIC = phenotype("hfref-ischaemic")
# a third of all beats, all day long instead of in clusters
_OFTEN = replace(ISCHAEMIC.rhythm, pvc_per_hour=1500.0, cluster_shape=100.0)
MANY_PVCS = replace(ISCHAEMIC, rhythm=_OFTEN)


def arrive(patient: Patient, found: FoundDevice) -> Visit:
    visit = Visit(VisitOrder(patient, found, VisitPlan(), 4), Nobody())
    # the ECG of check-in and exam comes before
    run(visit, visit.bedside.wait_s(120.0))
    return visit


def run(visit: Visit, step: Any) -> None:
    visit.env.run(until=visit.env.process(step))


def causes(patient: Patient, found: FoundDevice) -> Mapping[str, float]:
    """Return the causes that an interrogation names, with their share of beats."""
    visit = arrive(patient, found)
    run(visit, interrogate(visit))
    read = visit.findings.as_found
    assert read is not None
    in_af = patient.in_atrial_fibrillation
    named = losses(read.counters, found.settings, in_af=in_af)
    told = " ".join(visit.findings.sensing_findings)
    assert all(f"{loss.name} ({loss.text})" in told for loss in named)
    return {loss.name: loss.lost_frac for loss in named}


def found(**values: Any) -> FoundDevice:
    return FoundDevice(settings=with_dependents(USUAL.with_values(values)))


@pytest.mark.parametrize(
    ("patient", "device", "first"),
    [
        # local sense is 8 mV on average, V 9 mV
        (ISCHAEMIC, found(sens_v2_mv=8.0), "undersensing"),
        (ISCHAEMIC, found(sens_v1_mv=9.0), "undersensing"),
        # local sense comes 10 ms after V
        (ISCHAEMIC, found(alert_start_ms=12.0), "alert window"),
        (MANY_PVCS, found(), "PVC burden"),
        (MANY_PVCS, found(mode="ODO-LS-CCM"), "PVC burden"),
        (phenotype("hfref-af"), found(vt_rate_bpm=80.0), "AF rate"),
        (
            phenotype("hfref-af"),
            found(mode="ODO-LS-CCM"),
            "atrial fibrillation in ODO",
        ),
        # PR is 175 ms on average
        (ISCHAEMIC, found(mode="ODO-LS-CCM", av_long_ms=171.0), "AV limits"),
        (ISCHAEMIC, found(mode="ODO-LS-CCM", av_short_ms=257.0), "AV limits"),
        (ISCHAEMIC, found(ccm_end_time="02:00"), "schedule"),
        (ISCHAEMIC, found(ccm_mode="OFF"), "switched off"),
        (ISCHAEMIC, found(mode="OOO"), "switched off"),
        (ISCHAEMIC, FoundDevice(settings=USUAL, state="DOWN"), "switched off"),
        (ISCHAEMIC, FoundDevice(settings=USUAL, suspended_frac=0.3), "battery"),
        (ISCHAEMIC, FoundDevice(settings=USUAL, v2_fault="fracture"), "undersensing"),
    ],
)
def test_the_interrogation_names_the_cause_of_low_delivery(
    patient: Patient, device: FoundDevice, first: str
) -> None:
    named = causes(patient, device)
    # the cause put there is named, and is the largest
    assert max(named, key=lambda name: named[name]) == first


def test_two_causes_are_named_in_the_order_of_mending() -> None:
    named = causes(
        MANY_PVCS,
        found(sens_v2_mv=8.0, alert_start_ms=12.0, ccm_end_time="02:00"),
    )
    assert list(named) == ["undersensing", "alert window", "PVC burden", "schedule"]


def test_a_device_that_delivers_has_no_cause_to_name() -> None:
    assert causes(ISCHAEMIC, found()) == {}


def test_beats_inhibited_afterwards_belong_to_what_began_it() -> None:
    # trigeminy with two cycles: a PVC and the beat after it of every three
    counters = {
        "BEATS": 300,
        "VENTRICULAR": 300,
        "LOCAL_SENSE": 300,
        Cause.PVC.value: 100,
        Cause.INHIBITED.value: 100,
        Cause.DELIVERED.value: 100,
    }
    odo = Settings(mode="ODO-LS-CCM", inhibit_cycles_pvc=2)
    (only,) = losses(counters, odo, in_af=False)
    assert (only.name, only.lost_frac) == ("PVC burden", pytest.approx(2.0 / 3.0))


def test_local_sense_without_v_is_told_from_local_sense_outside_the_window() -> None:
    counters = {"BEATS": 100, "VENTRICULAR": 80, "LOCAL_SENSE": 100, "LS_OUT": 50}
    named = {
        loss.text.split(":")[0]: loss.lost_frac
        for loss in losses(counters, USUAL, in_af=False)
    }
    assert named["no ventricular event"] == pytest.approx(0.2)
    assert named["local sense outside it"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("end", "hours"), [("23:59", 5.0), ("09:35", 2.0), ("02:00", 1.0), ("00:29", 0.5)]
)
def test_the_hours_of_a_day_are_counted_from_the_schedule(
    end: str, hours: float
) -> None:
    # one hour from 0:00, 4:48, 9:36, 14:24 and 19:12 on
    assert scheduled_h_per_day(replace(USUAL, ccm_end_time=end)) == pytest.approx(hours)


def mended(patient: Patient, device: FoundDevice) -> Visit:
    visit = arrive(patient, device)
    run(visit, interrogate(visit))
    run(visit, mend_sensing(visit))
    return visit


def delivered_after(visit: Visit, n_beats: int = 60) -> float:
    first = visit.bedside.n_beats
    run(visit, visit.bedside.wait_beats(n_beats))
    return visit.bedside.log.delivered_frac(first)


@pytest.mark.parametrize(
    "values",
    [
        {"sens_v2_mv": 8.0},
        {"sens_v1_mv": 9.0},
        {"alert_start_ms": 12.0},
        {"alert_start_ms": 12.0, "sens_v2_mv": 8.0, "sens_v1_mv": 9.0},
        # local sense before V: the train would come too soon after such a window
        {"ls_channel": "V1", "delay_ms": 15.0, "post_ls_refractory_ms": 15.0},
    ],
)
def test_sensing_and_window_are_mended_before_anything_is_titrated(
    values: dict[str, Any],
) -> None:
    visit = mended(ISCHAEMIC, found(**{"delay_ms": 35.0} | values))
    assert delivered_after(visit) > 0.95
    assert visit.may_titrate
    assert visit.reference == visit.programmer.programmed
    assert visit.findings.tested == ()


def test_odo_settings_that_ovo_cannot_take_are_cut_to_its_caps() -> None:
    odo = found(mode="ODO-LS-CCM", delay_ms=60.0, alert_width_ms=40.0, sens_v1_mv=0.5)
    visit = mended(phenotype("hfref-af"), odo)
    now = visit.programmer.programmed
    assert (now.mode, now.delay_ms, now.sens_v1_mv) == ("OVO-LS-CCM", 45.0, 1.0)
    assert now.alert_width_ms <= 30.0
    told = " ".join(visit.findings.sensing_findings)
    assert "delay_ms 60 is beyond OVO-LS-CCM: set to 45" in told
    assert delivered_after(visit) > 0.5


def advised(patient: Patient, device: FoundDevice) -> str:
    visit = arrive(patient, device)
    run(visit, programming_visit(visit))
    return " ".join(f"{a.text}: {a.because}" for a in record(visit).follow_up)


def test_what_the_visit_cannot_mend_is_advised() -> None:
    told = advised(MANY_PVCS, found(mode="ODO-LS-CCM", ccm_end_time="02:00"))
    assert "set daily start, end and OFF time anew: 1.0 h a day of the 5 h" in told
    assert "24-hour ECG; consider treating the ectopy" in told
    assert "interrogate again" in told


def test_local_sense_for_which_there_is_no_window_is_told_and_not_titrated() -> None:
    # local sense 80 ms before V: OVO allows no delay that long
    early = {"v1_lag_ms": 100.0, "v2_lag_ms": 20.0}
    visit = mended(personalize(ISCHAEMIC, early), found())
    told = " ".join(visit.findings.sensing_findings)
    assert "no alert window for this local sense: delay_ms must be at most 45" in told
    assert "could not be delivered reliably" in visit.not_titrated
    assert visit.programmer.programmed == found().settings


def test_a_window_is_not_moved_for_a_lead_that_senses_nothing() -> None:
    broken = FoundDevice(settings=USUAL, v2_fault="fracture")
    visit = mended(ISCHAEMIC, broken)
    assert visit.programmer.programmed.alert_start_ms == USUAL.alert_start_ms
    assert "could not be delivered reliably" in visit.not_titrated


def test_a_device_that_was_down_is_reset_by_the_programmer_with_its_cause() -> None:
    visit = arrive(ISCHAEMIC, FoundDevice(settings=USUAL, state="DOWN"))
    visit.generator.down_cause = "memory error"
    run(visit, interrogate(visit))
    log = [line.text for line in visit.programmer.log]
    assert log[0] == "state DOWN: memory error"
    assert "Reset Device OK" in log
    assert visit.generator.state == "ACTIVE"
    assert visit.findings.as_found is not None
    assert visit.findings.as_found.delivered_frac == 0.0


def test_every_number_of_the_delivery_has_a_source() -> None:
    assert unsourced(DeliveryRules()) == []
