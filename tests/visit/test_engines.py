"""The table engine plays the visit of the beats engine, without its beats."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields, replace
from functools import cache
from math import nan
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from sim.device.judged import CAUSES
from sim.device.settings import Settings, with_dependents
from sim.heart.judged import ALERT, OUTCOMES
from sim.heart.striding import TabledHeart
from sim.instruments import Instruments
from sim.instruments.striding import StridingInstruments
from sim.patient import Patient, personalize, phenotype
from sim.visit import record as records
from sim.visit.advisor import Nobody
from sim.visit.beatlog import CODE_OF
from sim.visit.checklist import run_visit
from sim.visit.happenings import Happened, Happening
from sim.visit.order import EngineName, VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.record import Arm, Choice, VisitRecord
from sim.visit.safety import SHORT_RUN, Monitor
from sim.visit.stretching import StretchingBedside
from sim.visit.striding import StridingBedside, StridingMonitor

FOUND = with_dependents(
    Settings(amplitude_v=4.5, delay_ms=20.0, post_ls_refractory_ms=15.0)
)
SHORT = VisitPlan(
    titration_min=8.0, verification_pairs=2, observation_min=2.0, response_pairs=1
)
DETERMINED: Mapping[str, float] = MappingProxyType(
    {"g_two_leads": 0.165, "sensation_threshold_v": 9.0}
)


class Climbing(Nobody):
    """Asks for one amplitude step after the other, and keeps the last one tolerated."""

    def begin(self, reference: Settings, n_tests: int) -> None:
        super().begin(reference, n_tests)
        self.next_v = reference.amplitude_v

    def propose(self) -> Settings:  # type: ignore[override]
        self.next_v = min(self.next_v + 0.5, 7.5)
        return replace(self._reference, amplitude_v=self.next_v)

    def learn(self, tested: records.Tested) -> None:
        if tested.completed:
            self._reference = tested.settings

    def recommend(self) -> Choice:
        return Choice(self._reference, nan, nan, gated=False, reason="the last one")


@cache
def somebody(**override: float) -> Patient:
    return personalize(phenotype("hfref-ischaemic"), dict(DETERMINED) | override)


def fibrillating() -> Patient:
    return personalize(phenotype("hfref-af"), {})


def with_icd() -> Patient:
    patient = somebody(pvc_per_hour=400.0)
    profile = replace(patient.profile, has_icd=True, icd_distance_cm=3.0)
    return replace(patient, profile=profile)


def order_for(
    patient: Patient, found: Settings = FOUND, *, seed: int = 3, **values: object
) -> VisitOrder:
    device = FoundDevice(settings=found)
    return replace(VisitOrder(patient, device, SHORT, seed), **values)  # type: ignore[arg-type]


def play(order: VisitOrder, engine: EngineName = "table") -> VisitRecord:
    return run_visit(replace(order, engine=engine), Climbing())


def arms(record: VisitRecord) -> list[Arm]:
    pairs = [test.pair for test in record.tested if test.pair is not None]
    every = (*record.response_pairs, *pairs, *record.verification_pairs)
    return [arm for pair in every for arm in pair.arms]


ODO = with_dependents(replace(FOUND, mode="ODO-LS-CCM"))
VISITS: Mapping[str, Callable[[], VisitOrder]] = {
    "a usual patient": lambda: order_for(somebody()),
    "many ectopics": lambda: order_for(somebody(pvc_per_hour=1500.0)),
    "fibrillation": lambda: order_for(fibrillating()),
    "an atrial lead": lambda: order_for(somebody(), ODO),
    "an ICD near the leads": lambda: order_for(with_icd()),
    "what may befall": lambda: order_for(
        somebody(),
        happenings=(
            Happened(1700.0, Happening("noise", for_s=20.0)),
            Happened(1800.0, Happening("cough")),
            Happened(1900.0, Happening("ectopics", n_beats=3)),
            Happened(2000.0, Happening("stands up", for_s=60.0)),
            Happened(2300.0, Happening("lead fault", lead="V1", fault="dislodged")),
        ),
    ),
}


@pytest.mark.parametrize("name", VISITS)
def test_a_stride_changes_nothing_but_the_time_it_takes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = VISITS[name]()
    striding = play(order)
    monkeypatch.setattr(StridingBedside, "_is_quiet", lambda self, now_s: False)
    one_by_one = play(order)
    assert len(arms(striding)) >= 3
    # sums of intervals are rounded in another order
    for ours, theirs in zip(arms(striding), arms(one_by_one), strict=True):
        assert ours.reading.primary == pytest.approx(theirs.reading.primary, abs=1e-6)
        assert ours.reading.void == theirs.reading.void
        assert ours.end_s == pytest.approx(theirs.end_s, abs=1e-6)
    assert striding.as_left.counters == one_by_one.as_left.counters
    assert striding.as_left.battery_pct == pytest.approx(
        one_by_one.as_left.battery_pct, abs=1e-9
    )
    assert [event.text for event in striding.adverse_events] == [
        event.text for event in one_by_one.adverse_events
    ]
    assert striding.final == one_by_one.final


def test_beats_that_get_no_train_are_taken_in_strides_as_long_as_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[int] = []
    taken: list[int] = []
    go_on, stride = StridingBedside._go_on, TabledHeart.stride

    def counted(self: TabledHeart, *asked: Any) -> int:
        taken.append(stride(self, *asked))
        return taken[-1]

    def noted(self: StridingBedside, *asked: Any, **how: Any) -> None:
        waits.append(1)
        go_on(self, *asked, **how)

    monkeypatch.setattr(StridingBedside, "_go_on", noted)
    monkeypatch.setattr(TabledHeart, "stride", counted)
    play(order_for(somebody(), replace(FOUND, ccm_mode="OFF")))
    assert sum(taken) > 2000
    # one a wait; more where draws run out, or where a single beat needs the rules
    assert len(taken) < 1.2 * len(waits)


@cache
def by_both() -> tuple[tuple[VisitRecord, VisitRecord], ...]:
    """Return visits of some patients by beats and by table, with the same chance."""
    orders = [
        order_for(somebody(), seed=1),
        order_for(somebody(sensation_threshold_v=6.0), seed=2),
        order_for(phenotype("hfref-frequent-pvc"), seed=14),
    ]
    return tuple((play(order, "beats"), play(order)) for order in orders)


def test_a_visit_that_moves_its_own_clock_is_the_one_that_events_drive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = order_for(somebody(pvc_per_hour=400.0))
    alone = play(order)
    monkeypatch.setattr(StridingBedside, "take_over", lambda self: None)
    driven = play(order)
    assert alone.events == driven.events
    assert [arm.reading for arm in arms(alone)] == [a.reading for a in arms(driven)]
    assert alone.as_left == driven.as_left


def test_a_pressure_is_read_in_one_kernel_as_beat_by_beat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, by_both = StridingInstruments.read_beats, []

    def compared(self, beats, found, first, window, **how):  # type: ignore[no-untyped-def]
        slow = Instruments.read(copy(self), window())
        by_both.append((slow, read(self, beats, found, first, window, **how)))
        return by_both[-1][1]

    monkeypatch.setattr(StridingInstruments, "read_beats", compared)
    play(order_for(phenotype("hfref-frequent-pvc"), seed=14))
    assert len(by_both) >= 20
    assert any(slow.void for slow, _ in by_both)
    assert any(slow.n_used < slow.n_beats for slow, _ in by_both)
    for slow, quick in by_both:
        # sums are taken in another order
        rounded = {f.name: getattr(quick, f.name) for f in fields(quick)}
        assert rounded == {
            f.name: value
            if isinstance(value := getattr(slow, f.name), str)
            else pytest.approx(value, rel=1e-12)
            for f in fields(slow)
        }


def test_a_device_that_strides_knows_the_causes_by_the_codes_of_the_log() -> None:
    assert [CODE_OF[cause] for cause in CAUSES] == list(range(len(OUTCOMES)))


def test_readings_by_table_are_those_of_beats() -> None:
    shared = [
        (ours.reading.primary, theirs.reading.primary)
        for beats, table in by_both()[:2]
        for ours, theirs in zip(arms(table), arms(beats), strict=True)
        if not (ours.reading.void or theirs.reading.void)
    ]
    apart_pct = [100.0 * (ours / theirs - 1.0) for ours, theirs in shared]
    assert len(shared) >= 30
    # a reading errs by 1.4 %; rhythm, drift and errors are the same in both
    assert abs(np.mean(apart_pct)) < 0.15
    assert np.std(apart_pct) < 0.3


def test_what_is_felt_and_how_tests_end_is_that_of_beats() -> None:
    for beats, table in by_both()[:2]:
        told = [(t.settings, t.sensation_grade, t.ended) for t in table.tested]
        assert told == [(t.settings, t.sensation_grade, t.ended) for t in beats.tested]
    assert any(t.sensation_grade >= 2 for t in by_both()[1][1].tested)


def test_voids_and_ectopics_are_those_of_beats() -> None:
    beats, table = by_both()[2]
    voids = [sum(arm.n_attempts - 1 for arm in arms(r)) for r in (table, beats)]
    ectopics = [sum(test.n_ectopics for test in r.tested) for r in (table, beats)]
    assert ectopics[1] > 10
    # the reflex moves a beat by a few milliseconds, and with it an edge of a window
    assert abs(voids[0] - voids[1]) <= 3
    assert ectopics[0] == pytest.approx(ectopics[1], rel=0.1)


def test_a_visit_by_table_takes_the_minutes_of_one_by_beats() -> None:
    # in fibrillation a beat more or less makes a window void, and read again
    for beats, table in by_both():
        for ours, theirs in zip(table.phases, beats.phases, strict=True):
            assert ours.end_s == pytest.approx(theirs.end_s, rel=0.02)


def test_no_beat_of_a_visit_by_table_is_kept() -> None:
    beats, table = by_both()[0]
    assert beats.beats.rows.shape[0] > 3000
    assert table.beats.rows.shape[0] == 0
    assert table.beats.columns == beats.beats.columns


def test_the_same_order_gives_the_same_visit_by_table() -> None:
    first, again = (play(order_for(somebody(), seed=1)) for _ in range(2))
    assert [arm.reading for arm in arms(first)] == [a.reading for a in arms(again)]


def test_a_striding_monitor_goes_on_from_where_the_ring_was_left() -> None:
    plain, striding = Monitor(), StridingMonitor()
    pressures = [120.0 + k for k in range(30)]
    for k, pressure in enumerate(pressures):
        plain.beat(float(k), pressure, ectopic=False)
    striding.hand_over(pressures[0])
    for k, pressure in enumerate(pressures):
        place = int(striding.watch[3]) % striding.ring.size
        striding.ring[place], striding.watch[3] = pressure, k + 1.0
    # ten beats at 100 mmHg are more than 20 mmHg below the ten before, at 144.5
    told = [
        [monitor.beat(30.0 + k, 100.0, ectopic=False) for k in range(10)]
        for monitor in (plain, striding)
    ]
    assert told[0] == told[1]
    assert any(stop is not None for stop in told[1])


def test_a_striding_monitor_knows_the_ectopics_that_a_stride_has_seen() -> None:
    monitor = StridingMonitor()
    monitor.hand_over(120.0)
    monitor.alert[ALERT.index("n_tied")] = 2.0
    monitor.alert[ALERT.index("run_start_s")] = 7.0
    monitor.alert[ALERT.index("ectopic_run")] = 2.0
    assert monitor.take_tied() == 2
    assert monitor.take_tied() == 0
    # two were in the stride: this one is the third
    assert monitor.beat(8.0, 120.0, ectopic=True) is SHORT_RUN
    monitor.hand_over(120.0)
    assert monitor.alert[ALERT.index("ectopic_run")] == 3.0


STRETCHED: Mapping[str, Callable[[], VisitOrder]] = {
    **VISITS,
    "trains near recovery": lambda: order_for(
        personalize(phenotype("hfref-ischaemic"), {"erp_ms": 150.0})
    ),
    "fibrillation that comes and goes": lambda: order_for(
        somebody(),
        happenings=(
            Happened(1200.0, Happening("fibrillation begins")),
            Happened(2100.0, Happening("fibrillation ends")),
        ),
    ),
    "a lead that senses little": lambda: replace(
        order_for(somebody()),
        found=FoundDevice(settings=FOUND, v2_fault="dislodged"),
    ),
    "a battery near its end": lambda: replace(
        order_for(somebody()), found=FoundDevice(settings=FOUND, charge_frac=0.1011)
    ),
}


def told_of(record: VisitRecord) -> dict[str, object]:
    """Return all that a visit left behind, its beats bit by bit."""
    told = {item.name: repr(getattr(record, item.name)) for item in fields(record)}
    return told | {"beats": record.beats.rows.tobytes()}


@pytest.mark.parametrize("name", STRETCHED)
def test_a_stretch_of_beats_changes_no_bit_of_a_visit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = STRETCHED[name]()
    lengths: list[int] = []

    def counted(self: StretchingBedside, now_s: float) -> int:
        lengths.append(stretch(self, now_s))
        return lengths[-1]

    stretch = StretchingBedside._stretch
    monkeypatch.setattr(StretchingBedside, "_stretch", counted)
    at_once = told_of(play(order, "beats"))
    monkeypatch.setattr(StretchingBedside, "_stretch", lambda self, now_s: 0)
    assert at_once == told_of(play(order, "beats"))
    # else nothing would have been compared
    assert sum(lengths) > 500
