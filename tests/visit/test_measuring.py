"""Each measuring plan reads what it says, costs what it says, and is worth that."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import inf, isfinite, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.device.settings import Settings, with_dependents
from sim.instruments import READOUTS, Instruments, Reading, ReadingWindow, readout
from sim.patient import personalize, phenotype
from sim.streams import stream
from sim.visit import record as records
from sim.visit.checklist import programming_visit, run_visit
from sim.visit.checklist import record as record_of
from sim.visit.measuring import (
    PLANS,
    expected_sd_pct,
    mean_error_pct,
    measuring_plan,
    reference_error_pct,
)
from sim.visit.measuring_noise import (
    PLANNING,
    ReadingNoise,
    Wander,
    level_of,
    reading_noise,
    single_error_pct,
    usual_arm_s,
)
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.record import Choice, VisitRecord
from sim.visit.visit import Visit

FOUND = with_dependents(
    Settings(amplitude_v=4.5, delay_ms=20.0, post_ls_refractory_ms=15.0)
)
BETTER = replace(FOUND, amplitude_v=5.0, delay_ms=32.0)
RR_S = 0.81
ALL = sorted(PLANS)


class Script:
    """An advisor that asks for the same settings again and again, and keeps them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.n_tests = 0

    def begin(self, reference: Settings, n_tests: int) -> None:
        self.n_tests = n_tests

    def propose(self) -> Settings | None:
        return self.settings

    def learn(self, tested: records.Tested) -> None:
        pass

    def recommend(self) -> Choice:
        return Choice(self.settings, nan, nan, gated=False, reason="of the script")


@cache
def played(name: str, *, noise_scale: float = 1.0) -> tuple[VisitRecord, Script]:
    values = {"g_two_leads": 0.165, "sensation_threshold_v": 9.0, "pvc_per_hour": 0.0}
    if noise_scale == 0.0:
        values["sdnn_ms"] = 0.0
    plan = VisitPlan(
        plan=name,
        titration_min=20.0,
        verification_pairs=2,
        observation_min=1.0,
        noise_scale=noise_scale,
    )
    script = Script(BETTER)
    patient = personalize(phenotype("hfref-ischaemic"), values)
    order = VisitOrder(patient, FoundDevice(settings=FOUND), plan, 3)
    return run_visit(order, script), script


def roles(tested: records.Tested) -> str:
    return "".join("RX"[arm.role == "tested"] for arm in pair_of(tested).arms)


def pair_of(tested: records.Tested) -> records.Pair:
    assert tested.pair is not None
    return tested.pair


def references(tested: records.Tested) -> list[int]:
    return [a.reading.number for a in pair_of(tested).arms if a.role == "reference"]


def test_paired_reads_the_reference_on_both_sides() -> None:
    assert {roles(tested) for tested in played("paired")[0].tested} == {"RXR"}


def test_replicates_repeats_the_pair_until_it_is_sure_or_has_had_enough() -> None:
    record, _ = played("replicates")
    for tested in record.tested:
        n = roles(tested).count("RXR")
        assert roles(tested) == "RXR" * n
        assert 1 <= n <= record.plan.most_replicates
        is_sure = tested.standard_error_pct <= record.plan.target_se_pct
        assert is_sure or n == record.plan.most_replicates


def test_single_reads_the_reference_once_in_the_whole_titration() -> None:
    tested = played("single")[0].tested
    assert {roles(one) for one in tested} == {"RX"}
    assert len({number for one in tested for number in references(one)}) == 1


def test_alternate_every_reads_the_reference_before_every_fourth_test() -> None:
    tested = played("alternate-every")[0].tested
    newest = [references(one)[-1] for one in tested]
    changes = [i for i in range(1, len(newest)) if newest[i] != newest[i - 1]]
    assert changes == list(range(4, len(tested), 4))
    assert max(len(references(one)) for one in tested) == PLANNING.references_used


def test_an_unpaired_test_knows_only_readings_of_the_past() -> None:
    for name in ("single", "alternate-every"):
        for one in played(name)[0].tested:
            times = [arm.end_s for arm in pair_of(one).arms]
            assert times == sorted(times)
            assert pair_of(one).arms[-1].role == "tested"
            assert pair_of(one).end_s <= one.end_s


@pytest.mark.parametrize("name", ALL)
def test_a_gain_is_the_ratio_of_the_weighted_means_of_its_arms(name: str) -> None:
    for one in played(name)[0].tested:
        pair = pair_of(one)
        sums = {"reference": np.zeros(2), "tested": np.zeros(2)}
        for arm, weight in zip(pair.arms, pair.arm_weights, strict=True):
            sums[arm.role] += weight * np.array([arm.reading.primary, 1.0])
        means = {role: total / weight for role, (total, weight) in sums.items()}
        wanted = 100.0 * (means["tested"] / means["reference"] - 1.0)
        assert one.gain_pct == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_as_many_tests_are_made_as_were_planned(name: str) -> None:
    record, script = played(name)
    # windows that are read again and link losses cost a little time
    assert 0.85 * script.n_tests - 1 <= len(record.tested) <= script.n_tests + 1


@pytest.mark.parametrize("name", ALL)
def test_without_noise_every_plan_reads_the_gain_that_is_there(name: str) -> None:
    exact, _ = played(name, noise_scale=0.0)
    gains = [one.gain_pct for one in exact.tested if isfinite(one.gain_pct)]
    verified = exact.verdict.gain_pct
    # memories of the setting before are left: less than 0.5 point in either plan
    assert gains == pytest.approx([verified] * len(gains), abs=0.5)


def played_with_lost_readings(
    monkeypatch: pytest.MonkeyPatch, name: str, lost: range
) -> VisitRecord:
    """Play a visit whose readings of some numbers are void; the sham has 0 to 2."""
    plan = VisitPlan(
        plan=name,
        titration_min=8.0,
        response_pairs=0,
        verification_pairs=2,
        observation_min=1.0,
    )
    patient = personalize(phenotype("hfref-ischaemic"), {"pvc_per_hour": 0.0})
    order = VisitOrder(patient, FoundDevice(settings=FOUND), plan, 4)
    going = Visit(order, Script(BETTER))
    read = going.instruments.read

    def read_or_lose(window: ReadingWindow) -> Reading:
        reading = read(window)
        return replace(reading, void="lost") if reading.number in lost else reading

    monkeypatch.setattr(going.instruments, "read", read_or_lose)
    going.env.run(until=going.env.process(programming_visit(going)))
    return record_of(going)


def test_a_void_replicate_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # three attempts at the tested arm of the first pair
    record = played_with_lost_readings(monkeypatch, "replicates", range(4, 7))
    first = record.tested[0]
    pair = pair_of(first)
    assert roles(first)[:5] == "RXRXR"
    assert pair.arm_weights[:5] == (0.0, 0.0, 1.0, 1.0, 1.0)
    assert pair.void == ""
    assert isfinite(first.gain_pct)


def test_without_a_reference_reading_there_is_no_gain_and_the_next_test_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = played_with_lost_readings(monkeypatch, "single", range(3, 6))
    first, second, third = record.tested[:3]
    assert pair_of(first).void == "no reference reading"
    assert not isfinite(first.gain_pct)
    assert isfinite(second.gain_pct)
    assert references(second) == references(third)


def test_a_lost_reference_reading_is_made_up_for_before_the_next_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 3 is the first reference reading, 4 to 7 are tests, 8 to 10 the lost second one
    record = played_with_lost_readings(monkeypatch, "alternate-every", range(8, 11))
    used = [references(tested) for tested in record.tested[:6]]
    assert used == [[3]] * 5 + [[3, 12]]


def test_a_plan_says_what_it_reads_with_its_own_numbers() -> None:
    plan = VisitPlan(tests_per_reference=6, target_se_pct=0.9, most_replicates=7)
    assert "every 6 tests" in measuring_plan("alternate-every").text(plan)
    assert "0.9 %, at most 7 times" in measuring_plan("replicates").text(plan)
    assert measuring_plan("paired").text(plan) == "R X R"


def test_an_unknown_plan_offers_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'single'"):
        measuring_plan("singel")


def true_window(first: int, n: int) -> ReadingWindow:
    ones = np.ones(n)
    return ReadingWindow(
        start_s=(first + np.arange(n)) * RR_S,
        rr_s=RR_S * ones,
        sbp_mmhg=118.0 * ones,
        dbp_mmhg=72.0 * ones,
        map_mmhg=87.0 * ones,
        sv_ml=60.0 * ones,
        dpdt_max_mmhg_per_s=850.0 * ones,
        clean=ones > 0.0,
        ectopic=ones < 0.0,
        delivered=ones > 0.0,
        expects_ccm=True,
    )


class Clinic:
    """Reads the same settings again and again on the clock of one visit."""

    def __init__(self, plan: VisitPlan, seed: int) -> None:
        self._tools = Instruments(
            readout(plan.readout),
            breathing_hz=0.25,
            rng_drift=stream(seed, name="drift"),
            rng_of_reading=lambda k: stream(seed, name="reading_error", key=(k,)),
            horizon_s=3600.0,  # a titration of 40 minutes, begun after 8
        )
        self._arm_beats = round(usual_arm_s(plan) / RR_S)
        self._question_beats = round(plan.question_s / RR_S)
        self._beat = 600

    def read(self) -> Reading:
        n = self._tools.readout.read_beats
        reading = self._tools.read(true_window(self._beat + self._arm_beats - n, n))
        self._beat += self._arm_beats
        return reading

    def ask(self) -> None:
        self._beat += self._question_beats

    def pair_pct(self) -> float:
        before, tested, after = self.read(), self.read(), self.read()
        return 200.0 * tested.primary / (before.primary + after.primary) - 100.0


Told = tuple[float, float]


def middle_s(reading: Reading) -> float:
    return 0.5 * (reading.start_s + reading.end_s)


def alone(plan: VisitPlan, seed: int, every: int, n_tests: int) -> Iterator[Told]:
    """Yield error and told standard error of settings that are read alone."""
    clinic, noise = Clinic(plan, seed), reading_noise(plan, usual_arm_s(plan))
    references: list[Reading] = []
    for number in range(n_tests):
        if number % every == 0:
            references.append(clinic.read())
        tested = clinic.read()
        used = references[-PLANNING.references_used :]
        level = level_of(noise, [middle_s(r) for r in used], middle_s(tested))
        base = sum(w * r.primary for w, r in zip(level.weights, used, strict=True))
        yield 100.0 * (tested.primary / base - 1.0), single_error_pct(noise, level)
        clinic.ask()


def repeated(plan: VisitPlan, seed: int) -> Iterator[Told]:
    """Yield error and told standard error of settings whose pairs are repeated."""
    clinic, usual = Clinic(plan, seed), readout(plan.readout).expected_pair_sd_pct
    for _ in range(6):
        gains: list[float] = []
        told = inf
        while told > plan.target_se_pct and len(gains) < plan.most_replicates:
            gains.append(clinic.pair_pct())
            told = mean_error_pct(gains, usual)
        yield float(np.mean(gains)), told
        clinic.ask()


@cache
def simulated(plan: VisitPlan, n_visits: int) -> np.ndarray:
    """Return errors and told standard errors of many visits, (n, 2)."""
    every = {"single": 10**6, "alternate-every": plan.tests_per_reference}
    arm_s = usual_arm_s(plan)
    n_tests = int(plan.titration_s / measuring_plan(plan.plan).test_s(plan, arm_s))
    rows: list[Told] = []
    for seed in range(n_visits):
        if plan.plan in every:
            rows += alone(plan, seed, every[plan.plan], n_tests)
        else:
            rows += repeated(plan, seed)
    return np.array(rows)


# sixty visits each: one readout with every run of the tests, all with .ci/run
COUNTED = [
    pytest.param(kind, marks=[pytest.mark.slow] * (kind != "finger-pressure"))
    for kind in READOUTS
]


@pytest.mark.parametrize("name", ["alternate-every", "replicates", "single"])
@pytest.mark.parametrize("kind", COUNTED)
def test_readings_spread_as_a_planner_is_told_to_expect(kind: str, name: str) -> None:
    plan = VisitPlan(plan=name, readout=kind)
    errors, told = simulated(plan, 60).T
    # the middle of the distribution: few patients have a signal that comes and goes
    spread = 1.4826 * float(np.median(np.abs(errors)))
    # all errors of a single reading share one reference and one trend of the visit
    tolerance = 0.25 if name == "single" else 0.15
    assert spread == pytest.approx(expected_sd_pct(plan), rel=tolerance)
    assert spread == pytest.approx(sqrt(np.mean(told**2)), rel=tolerance)


@pytest.mark.parametrize("kind", COUNTED)
def test_the_tests_of_a_visit_share_the_error_that_its_reference_is_said_to_have(
    kind: str,
) -> None:
    plan = VisitPlan(plan="alternate-every", readout=kind)
    arm_s = usual_arm_s(plan)
    n_tests = int(plan.titration_s / measuring_plan(plan.plan).test_s(plan, arm_s))
    errors = simulated(plan, 60)[:, 0].reshape(60, n_tests)
    spread = 1.4826 * float(np.median(np.abs(errors.mean(axis=1))))
    independent = expected_sd_pct(plan) / sqrt(n_tests)
    wanted = np.hypot(independent, reference_error_pct(plan))
    # 60 visits: the standard error of this spread is about 15 %
    assert spread == pytest.approx(wanted, rel=0.35)
    assert reference_error_pct(plan) > independent


def test_one_reading_is_a_level_with_its_own_error_and_what_was_moved_since() -> None:
    noise = ReadingNoise(1.5, (Wander(1.0, 300.0),), 0.001)
    level = level_of(noise, [100.0], 400.0)
    # the closed form: own variance, and the mean square of the move over the lag
    moved = 2.0 * 1.0**2 * (1.0 - np.exp(-1.0)) + (0.001 * 300.0) ** 2
    assert level.weights == pytest.approx((1.0,))
    assert level.variance_pct2 == pytest.approx(1.5**2 + moved, rel=1e-6)


def test_readings_that_do_not_drift_are_averaged() -> None:
    level = level_of(ReadingNoise(1.2, (), 0.0), [0.0, 250.0, 500.0], 600.0)
    assert level.weights == pytest.approx([1.0 / 3.0] * 3)
    assert level.variance_pct2 == pytest.approx(1.2**2 / 3.0)


def test_of_exact_readings_that_drift_fast_the_last_one_counts() -> None:
    level = level_of(ReadingNoise(0.0, (Wander(1.0, 50.0),), 0.0), [0.0, 500.0], 501.0)
    assert level.weights == pytest.approx((0.0, 1.0), abs=0.05)


times = st.lists(st.floats(0.0, 2400.0), min_size=1, max_size=4, unique=True)


@given(read_at_s=times, later_s=st.floats(0.0, 600.0))
def test_a_level_is_unbiased_and_no_worse_than_the_last_reading_alone(
    read_at_s: list[float], later_s: float
) -> None:
    noise = reading_noise(VisitPlan(), 30.0)
    read_at_s = sorted(read_at_s)
    level = level_of(noise, read_at_s, read_at_s[-1] + later_s)
    last = level_of(noise, read_at_s[-1:], read_at_s[-1] + later_s)
    assert sum(level.weights) == pytest.approx(1.0)
    assert 0.0 < level.variance_pct2 <= last.variance_pct2 * (1.0 + 1e-9)


def test_a_level_needs_a_reading() -> None:
    with pytest.raises(ValueError, match="read_at_s must have one reading or more"):
        level_of(ReadingNoise(1.0, (), 0.0), [], 0.0)


@pytest.mark.parametrize("kind", READOUTS)
def test_a_pair_of_the_arms_that_a_plan_reckons_with_spreads_as_it_says(
    kind: str,
) -> None:
    plan, arm_s = VisitPlan(readout=kind), 33.0
    noise = reading_noise(plan, arm_s)
    # the variance of a contrast of weights -1/2, 1, -1/2 at three equal steps
    near, far = noise.semivariance_pct2(np.array([arm_s, 2.0 * arm_s]))
    variance = 1.5 * noise.arm_sd_pct**2 + 2.0 * near - 0.5 * far
    assert sqrt(variance) == pytest.approx(readout(kind).expected_pair_sd_pct)


def test_the_error_of_a_mean_is_that_of_usual_pairs_when_they_spread_as_usual() -> None:
    gains = [3.0 - 2.0, 3.0, 3.0 + 2.0]  # their variance is 4, the usual one as well
    assert mean_error_pct(gains, 2.0) == pytest.approx(2.0 / sqrt(3.0))
    assert mean_error_pct([], 2.0) == inf


@given(
    gains=st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=6),
    shift=st.floats(-9.0, 9.0),
)
def test_the_error_of_a_mean_does_not_know_the_gain(
    gains: list[float], shift: float
) -> None:
    moved = [gain + shift for gain in gains]
    assert mean_error_pct(moved, 2.0) == pytest.approx(mean_error_pct(gains, 2.0))


@pytest.mark.parametrize("name", ALL)
def test_exact_readings_are_expected_to_be_exact(name: str) -> None:
    assert expected_sd_pct(VisitPlan(plan=name, noise_scale=0.0)) == pytest.approx(
        0.0, abs=1e-3
    )
