"""What may befall a patient: beats, windows, readings, strips and truth follow it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from sim.device.leads import Leads
from sim.device.settings import Settings, with_dependents
from sim.heart.contractility import AF, SINUS
from sim.patient import Patient, personalize, phenotype
from sim.visit.advisor import Nobody
from sim.visit.checklist import programming_visit, record, run_visit
from sim.visit.effects import STRAINS, happen
from sim.visit.hands_on import HandsOn
from sim.visit.happenings import WHAT, Happened, Happening, What
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.record import Ended, VisitRecord
from sim.visit.trains import train_of
from sim.visit.visit import Visit

FOUND = with_dependents(
    Settings(amplitude_v=4.5, delay_ms=20.0, post_ls_refractory_ms=15.0)
)
SHORT = VisitPlan(
    titration_min=6.0, verification_pairs=2, observation_min=2.0, response_pairs=1
)
AT_S = 1700.0  # in the response test


@cache
def responder() -> Patient:
    values = {"g_two_leads": 0.165, "sensation_threshold_v": 9.0, "pvc_per_hour": 0.0}
    return personalize(phenotype("hfref-ischaemic"), values)


class Stronger(Nobody):
    """Asks for one more amplitude step, again and again, and keeps the reference."""

    def propose(self) -> Settings:  # type: ignore[override]
        return replace(self._reference, amplitude_v=5.0)


@cache
def visit_with(*happenings: Happened) -> VisitRecord:
    order = VisitOrder(
        responder(), FoundDevice(settings=FOUND), SHORT, 1, happenings=happenings
    )
    return run_visit(order, Stronger())


def befallen(what: What, at_s: float = AT_S, **values: object) -> VisitRecord:
    return visit_with(Happened(at_s, Happening(what, **values)))  # type: ignore[arg-type]


@pytest.fixture
def session() -> HandsOn:
    found = HandsOn(responder(), FoundDevice(settings=FOUND), seed=3)
    found.wait_beats(40)
    return found


def beats_since(session: HandsOn, first: int, name: str) -> np.ndarray:  # type: ignore[type-arg]
    return session.visit.bedside.log.table().column(name)[first:]


@pytest.mark.parametrize("what", WHAT)
def test_what_happens_changes_no_beat_before_it_and_is_on_record(what: What) -> None:
    usual, other = visit_with(), befallen(what)
    n = int(np.searchsorted(usual.beats.column("start_s"), AT_S)) - 1
    assert other.beats.rows[:n].tobytes() == usual.beats.rows[:n].tobytes()
    assert other.happened == (Happened(AT_S, Happening(what)),)
    assert usual.happened == ()


@pytest.mark.parametrize("what", WHAT)
def test_whatever_happens_the_visit_goes_through_its_eleven_steps(what: What) -> None:
    assert [phase.name for phase in befallen(what).phases] == [
        phase.name for phase in visit_with().phases
    ]


def test_a_run_has_as_many_ectopics_as_were_asked_for(session: HandsOn) -> None:
    first = session.visit.bedside.n_beats
    happen(session.visit, Happening("ectopics", n_beats=7))
    session.wait_beats(30)
    assert session.visit.bedside.log.n_ectopic(first) == 7


def test_fibrillation_begins_and_ends_with_its_irregular_intervals(
    session: HandsOn,
) -> None:
    spread = []
    for what, origin in (("fibrillation begins", AF), ("fibrillation ends", SINUS)):
        happen(session.visit, Happening(what))  # type: ignore[arg-type]
        session.wait_beats(2)
        first = session.visit.bedside.n_beats
        session.wait_beats(200)
        assert set(beats_since(session, first, "origin")) == {origin}
        rr_s = beats_since(session, first, "rr_s")
        spread.append(rr_s.std() / rr_s.mean())
    # a coefficient of variation of 0.25 against 22 ms of 810 ms
    assert 0.18 < spread[0] < 0.32
    assert spread[1] < 0.06


def test_in_fibrillation_windows_have_forty_beats_at_least() -> None:
    record = befallen("fibrillation begins")
    n_beats = [
        arm.reading.n_beats
        for pair in record.response_pairs
        for arm in pair.arms
        if arm.start_s > AT_S
    ]
    assert n_beats
    assert min(n_beats) >= 40


def test_a_lead_that_no_longer_reaches_muscle_is_counted_and_the_pressure_falls(
    session: HandsOn,
) -> None:
    def over(n: int) -> tuple[float, float]:
        first = session.visit.bedside.n_beats
        session.wait_beats(n)
        share = session.visit.bedside.log.delivered_frac(first)
        return share, float(beats_since(session, first, "sbp_mmhg").mean())

    _, before = over(200)
    for lead in ("V1", "V2"):
        happen(session.visit, Happening("lead fault", lead=lead))  # type: ignore[arg-type]
    session.wait_beats(60)
    share, after = over(200)
    assert share > 0.9
    # systolic pressure settles at about 0.39 times the gain that was lost (PROTOCOL 1)
    assert after < before * (1.0 - 0.2 * gain_of_both(session))


def gain_of_both(session: HandsOn) -> float:
    """Return what intact leads did to the muscle."""
    intact = Leads(rng=np.random.default_rng(0))
    settings = session.programmer.programmed
    return float(session.visit.patient.gain(train_of(settings, intact)))


def test_noise_inhibits_while_it_lasts(session: HandsOn) -> None:
    def delivered(seconds: float) -> float:
        first = session.visit.bedside.n_beats
        session.wait_s(seconds)
        return session.visit.bedside.log.delivered_frac(first)

    happen(session.visit, Happening("noise", for_s=20.0))
    assert delivered(20.0) == 0.0
    session.wait_beats(5)
    assert delivered(20.0) > 0.9


def test_noise_that_is_on_outlasts_a_shorter_one(session: HandsOn) -> None:
    for for_s in (30.0, 2.0):
        happen(session.visit, Happening("noise", for_s=for_s))
    session.wait_s(10.0)
    first = session.visit.bedside.n_beats
    session.wait_s(15.0)
    assert session.visit.bedside.log.delivered_frac(first) == 0.0


def test_the_wand_away_ends_no_visit_and_it_goes_on_after_relinking() -> None:
    record = befallen("wand away", for_s=90.0)
    texts = [event.text for event in record.events if event.kind == "programmer"]
    assert "wand removed" in texts
    assert "wand linked" in texts
    # nothing is programmed without the wand
    commands = [
        event.at_s
        for event in record.events
        if event.kind == "programmer" and event.text.startswith("programmed")
    ]
    assert not [at_s for at_s in commands if AT_S < at_s < AT_S + 90.0]
    assert len(record.response_pairs) == 1


def test_a_reading_without_the_wand_is_void_and_read_again() -> None:
    start_s = visit_with().response_pairs[0].arms[1].reading.start_s
    record = befallen("wand away", at_s=start_s + 3.0, for_s=30.0)
    arm = record.response_pairs[0].arms[1]
    assert arm.n_attempts > 1
    assert arm.reading.void == ""
    assert "wand link lost" in " ".join(event.text for event in record.events)


def test_an_urgent_off_without_the_wand_comes_when_it_is_back() -> None:
    order = VisitOrder(responder(), FoundDevice(settings=FOUND), SHORT, 1)
    visit = Visit(order, Nobody())
    process = visit.env.process(programming_visit(visit))
    visit.env.run(until=AT_S)
    happen(visit, Happening("wand away", for_s=20.0))
    visit.programmer.urgent_off()
    assert visit.programmer.programmed.delivers
    visit.env.run(until=AT_S + 26.0)
    assert not visit.programmer.programmed.delivers
    visit.env.run(until=process)
    assert record(visit).verdict is not None


def test_a_cough_is_seen_on_the_monitor_and_gone_again(session: HandsOn) -> None:
    instruments, now_s = session.visit.instruments, session.now_s
    before = instruments.monitored_sbp_mmhg(now_s + 1.0, 100.0)
    later = instruments.monitored_sbp_mmhg(now_s + 10.0, 100.0)
    happen(session.visit, Happening("cough"))
    risen = instruments.monitored_sbp_mmhg(now_s + 1.0, 100.0) - before
    assert risen == pytest.approx(STRAINS.cough_mmhg)
    assert instruments.monitored_sbp_mmhg(now_s + 10.0, 100.0) == later


def test_pressure_falls_on_standing_up_and_comes_back(session: HandsOn) -> None:
    def systolic(n: int) -> float:
        first = session.visit.bedside.n_beats
        session.wait_beats(n)
        return float(beats_since(session, first, "sbp_mmhg").mean())

    lying = systolic(60)
    happen(session.visit, Happening("stands up", for_s=60.0))
    session.wait_beats(5)
    standing = systolic(30)
    session.wait_s(120.0)
    assert standing < lying - 2.0
    assert systolic(60) == pytest.approx(lying, abs=2.0)


def test_who_stands_up_again_stands_until_the_later_end(session: HandsOn) -> None:
    heart = session.visit.bedside.heart
    for for_s in (20.0, 60.0):
        happen(session.visit, Happening("stands up", for_s=for_s))
    session.wait_s(30.0)
    assert heart.pooled_ml == STRAINS.pooled_ml
    session.wait_s(31.0)
    assert heart.pooled_ml == 0.0
    told = [event.text for event in session.visit.events if event.kind == "patient"]
    assert told == ["stands up", "stands up", "lies down again"]


def test_what_is_felt_ends_the_test_and_excludes_the_region() -> None:
    first = visit_with().tested[0]
    record = befallen("felt", at_s=first.start_s + 60.0, grade=3)
    tested = record.tested[0]
    assert tested.ended is Ended.FELT
    assert tested.sensation_grade == 3
    # asked for again, it is stepped down below what was felt
    assert record.tested[1].settings.amplitude_v < tested.settings.amplitude_v


def test_a_weak_sensation_is_told_and_ends_nothing() -> None:
    first = visit_with().tested[0]
    record = befallen("felt", at_s=first.start_s + 60.0, grade=1)
    assert record.tested[0].ended is Ended.DONE
    assert record.tested[0].sensation_grade == 1


def test_several_may_wait_for_beats_each_for_its_own(session: HandsOn) -> None:
    visit, woken = session.visit, list[tuple[int, int]]()

    def wait(n: int) -> object:
        yield from visit.bedside.wait_beats(n)
        woken.append((n, visit.bedside.n_beats - first))

    first = visit.bedside.n_beats
    for n in (7, 3, 7, 1, 12, 3):
        visit.env.process(wait(n))  # type: ignore[arg-type]
    session.wait_beats(20)
    assert woken == [(n, n) for n in (1, 3, 3, 7, 7, 12)]
