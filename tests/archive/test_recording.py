"""Which strips of a visit are kept, and that they say what the visit saw."""

import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyedflib
import pytest

from harness.archive.strips import (
    event_spans,
    joined_spans,
    recording_of,
    whole_span,
    write_strips,
)
from harness.archive.tables import pairs
from harness.common.faults import ScenarioError
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from harness.report.sections.strips import (
    final_spans,
    strip_beats,
    strips_of,
    typical_start_s,
)
from sim.device.settings import Settings
from sim.telemetry.morphology import Disturbance
from sim.telemetry.wfdb_files import Span
from sim.visit.record import AdverseEvent, VisitRecord

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHORT = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 2,
    "visit.baseline_min": 1,
}

LOUD = "muscle_mv"
NOISE = (
    *("mains_mv", "muscle_mv", "drift_mv", "breathing_mv", "breathing_frac"),
    *("electrogram_mv", "pressure_mmhg"),
)


def play(**changes: object) -> VisitRecord:
    scenario = load_scenario("first_visit").changed(SHORT | changes)
    return run_scenario(scenario).record


@pytest.fixture(scope="module")
def record() -> VisitRecord:
    return replace(play(), adverse_events=())


def harmed(record: VisitRecord, *at_s: float) -> VisitRecord:
    events = tuple(AdverseEvent(at, "tachycardia", "a run", "off") for at in at_s)
    return replace(record, adverse_events=events)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_visit_keeps_a_strip_as_found_and_one_as_left(record: VisitRecord) -> None:
    found, left = event_spans(record)
    phases = {phase.name: phase for phase in record.phases}
    for span, title, name in (
        (found, "as found", "interrogation"),
        (left, "as left", "observation"),
    ):
        assert span.title == title
        assert span.end_s - span.start_s == 30
        assert phases[name].start_s - 1 <= span.start_s <= phases[name].end_s


def test_an_adverse_event_lies_in_the_middle_of_its_strip(record: VisitRecord) -> None:
    at_s = 0.5 * (event_spans(record)[0].end_s + event_spans(record)[1].start_s)
    strip = event_spans(harmed(record, at_s))[1]
    assert strip.title == "tachycardia"
    assert 0.5 * (strip.start_s + strip.end_s) == pytest.approx(at_s, abs=1.0)


def test_strips_that_touch_become_one() -> None:
    wanted = [Span(40, 80, "b"), Span(10, 40, "a"), Span(90, 130, "c")]
    assert joined_spans(wanted, 100) == [Span(10, 80, "a, b"), Span(90, 100, "c")]


def test_a_strip_beyond_the_end_of_the_visit_is_left_out() -> None:
    assert joined_spans([Span(100, 130, "late")], 100) == []


def test_a_whole_visit_is_one_strip_to_its_last_second(record: VisitRecord) -> None:
    recording = replace(recording_of(record, 250), end_s=9000.5)
    assert whole_span(recording) == Span(0, 9001, "whole visit")


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("none", set()),
        ("whole", {f"strips.{ext}" for ext in ("hea", "dat", "atr", "dev", "edf")}),
    ],
)
def test_the_scenario_says_which_files_there_are(
    record: VisitRecord, tmp_path: Path, keep: str, expected: set[str]
) -> None:
    write_strips(record, tmp_path, keep=keep, sampling_hz=250)  # type: ignore[arg-type]
    assert names(tmp_path) == expected


def test_every_beat_and_every_train_of_the_visit_is_annotated(
    record: VisitRecord, tmp_path: Path
) -> None:
    write_strips(record, tmp_path, keep="whole", sampling_hz=250)
    with pyedflib.EdfReader(str(tmp_path / "strips.edf")) as read:
        texts = read.readAnnotations()[2].tolist()
    beats = record.beats
    assert sum(text in ("N", "V") for text in texts) == len(beats.rows)
    trains = [text for text in texts if text.startswith("^ CCM")]
    assert len(trains) == int(beats.column("delivered").sum())
    phases = [text for text in texts if text.startswith('" phase')]
    assert len(phases) == len(record.phases)
    with warnings.catch_warnings():  # about today's pandas
        warnings.simplefilter("ignore")
        import wfdb

        read = [wfdb.rdann(str(tmp_path / "strips"), ext) for ext in ("atr", "dev")]
    assert sum(len(annotations.sample) for annotations in read) == len(texts)


def test_each_train_carries_the_amplitude_it_was_given_at(record: VisitRecord) -> None:
    recording = recording_of(record, 500)
    seen = set()
    for arm in (arm for pair in pairs(record) for arm in pair.arms):
        inside = recording.beats.between(arm.reading.start_s, arm.reading.end_s)
        ids = set(inside.setting_id[inside.delivered > 0].astype(int).tolist())
        assert {recording.programmed[k] for k in ids} <= {arm.settings}
        seen |= ids
    assert len(seen) >= 2


def test_a_strip_begins_with_its_rhythm(record: VisitRecord, tmp_path: Path) -> None:
    write_strips(record, tmp_path, keep="events", sampling_hz=250)
    for path in tmp_path.glob("*.edf"):
        with pyedflib.EdfReader(str(path)) as read:
            at_s, _, texts = read.readAnnotations()
        assert at_s[list(texts).index("+ (N")] == pytest.approx(0.0)


def reordered(record: VisitRecord, **changes: object) -> VisitRecord:
    return replace(record, order=replace(record.order, **changes))


def test_only_an_invasive_visit_records_left_ventricular_pressure(
    record: VisitRecord,
) -> None:
    invasive = reordered(record, plan=replace(record.plan, readout="invasive-dpdt"))
    traces = [
        {channel.name for channel in recording_of(item, 500).channels}
        for item in (record, invasive)
    ]
    assert traces[1] - traces[0] == {"LVP"}


def test_a_dislodged_lead_shows_a_small_electrogram(record: VisitRecord) -> None:
    faulty = reordered(record, found=replace(record.found, v2_fault="dislodged"))
    sizes = [
        np.ptp(recording_of(item, 250).counts(0, 2000)[:, 3])
        for item in (record, faulty)
    ]
    assert sizes[1] < 0.5 * sizes[0]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("visit.strip_rate_hz", 200, "must be 250 to 1000 Hz"),
        ("visit.strips", "all", "one of none, events, whole"),
    ],
)
def test_a_scenario_that_asks_for_other_strips_is_refused(
    name: str, value: object, allowed: str
) -> None:
    with pytest.raises(ScenarioError, match=allowed):
        load_scenario("first_visit").changed({name: value})


def test_the_settings_of_a_visit_are_counted_from_those_found(
    record: VisitRecord,
) -> None:
    assert record.programmed[0] == record.as_found.settings
    assert record.final in record.programmed
    most = int(record.beats.column("setting_id").max())
    assert most < len(record.programmed)
    assert all(isinstance(item, Settings) for item in record.programmed)


def test_the_noise_of_the_strips_changes_no_visit(record: VisitRecord) -> None:
    still = dict.fromkeys(NOISE, 0.0)
    quiet = play(**{"visit.strip_noise": still})
    assert np.array_equal(quiet.beats.rows, record.beats.rows, equal_nan=True)
    assert quiet.events == record.events


def test_the_scenario_says_how_large_the_noise_is(
    record: VisitRecord, tmp_path: Path
) -> None:
    spread = {}
    for name, muscle_mv in (("still", 0.0), ("loud", 0.5)):
        asked = {"visit.strip_noise": dict.fromkeys(NOISE, 0.0) | {LOUD: muscle_mv}}
        visit = load_scenario("first_visit").changed(SHORT | asked).visit
        folder = tmp_path / name
        folder.mkdir()
        write_strips(
            record,
            folder,
            keep="events",
            sampling_hz=250,
            disturbance=visit.strip_noise.disturbance,
        )
        with pyedflib.EdfReader(str(folder / "strips_0001.edf")) as read:
            # neighbours differ by the noise, twice its variance, and by little else
            spread[name] = float(np.diff(read.readSignal(0)).var())
    assert spread["loud"] - spread["still"] == pytest.approx(2 * 0.5**2, rel=0.1)


def test_strips_are_the_same_again_and_those_of_another_visit_differ(
    record: VisitRecord,
) -> None:
    once, again, other = (
        recording_of(item, 250).counts(0, 2500)[:, 0]
        for item in (record, record, replace(record, pseudonym="SIM-000007-001"))
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_visit_in_fibrillation_shows_its_waves_and_is_marked_so(
    tmp_path: Path,
) -> None:
    scenario = load_scenario("atrial_fibrillation").changed(SHORT)
    af = run_scenario(scenario).record
    write_strips(af, tmp_path, keep="events", sampling_hz=250)
    with pyedflib.EdfReader(str(tmp_path / "strips_0001.edf")) as read:
        v1 = read.readSignal(read.getSignalLabels().index("ECG V1"))
        assert "+ (AFIB" in read.readAnnotations()[2].tolist()
    start_s = event_spans(af)[0].start_s
    pause = before_the_beats(af, start_s, v1)
    sinus = play()
    write_strips(sinus, tmp_path, keep="events", sampling_hz=250)
    with pyedflib.EdfReader(str(tmp_path / "strips_0001.edf")) as read:
        v1 = read.readSignal(read.getSignalLabels().index("ECG V1"))
    assert pause > 2.0 * before_the_beats(sinus, event_spans(sinus)[0].start_s, v1)
    assert_figures_show_the_strips(af)


def assert_figures_show_the_strips(record: VisitRecord) -> None:
    """Hold lead II of the report, as left, against that of the strips, undisturbed."""
    still = Disturbance(**dict.fromkeys(NOISE, 0.0))
    lead = recording_of(record, 250, still).channels[0]
    start_s = typical_start_s(strip_beats(record.beats), final_spans(record))
    assert start_s is not None
    shown = np.array(strips_of(record)[-1].lead_ii_mv)
    # the report keeps a thousandth of a millivolt
    assert shown == pytest.approx(lead.draw(start_s, shown.size, 250.0), abs=5.001e-4)


def before_the_beats(record: VisitRecord, start_s: int, v1: np.ndarray) -> float:
    """Return the median range of V1 from 0.30 to 0.16 s before beats that are late."""
    beats = recording_of(record, 250).beats
    late = np.flatnonzero(beats.rr_s > 0.75) + 1
    ranges = []
    for at_s in beats.start_s[late[late < beats.start_s.size]] - start_s:
        if 1.0 < at_s < 29.0:
            own = v1[round((at_s - 0.30) * 250) : round((at_s - 0.16) * 250)]
            ranges.append(float(np.ptp(own)))
    assert len(ranges) > 5
    return float(np.median(ranges))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is told in kB")
def test_four_hours_of_titration_with_whole_strips_take_bounded_memory(
    tmp_path: Path,
) -> None:
    text = (SCENARIOS / "first_visit.toml").read_text(encoding="utf-8")
    kept = 'titration_min = 240\nstrips = "whole"\nstrip_rate_hz = 1000'
    changed, n = re.subn(r"(?m)^titration_min = .*", kept, text)
    assert n == 1
    (tmp_path / "long.toml").write_text(changed, encoding="utf-8")
    # the kernel's peak of a child has its parent's in it, this one begins with its code
    code = (
        "import sys; from pathlib import Path; from harness.cli import invoke; "
        "assert invoke(sys.argv[1:]) == 0; "
        "print(Path('/proc/self/status').read_text())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "long.toml", "--out", "long", "-q"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SCENARIOS.parent)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    # five signals at 1 kHz for over five hours, two bytes each
    assert (tmp_path / "long" / "strips.dat").stat().st_size > 5 * 5 * 3600 * 1000 * 2
    assert int(peak_kb) < 700e3
