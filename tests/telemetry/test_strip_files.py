"""The files of a recording are read back by other people's readers, unchanged."""

import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pyedflib
import pytest

from sim.device.settings import Settings
from sim.heart.beating import BEAT_COLUMNS, BeatingHeart, heart_streams
from sim.patient import phenotype
from sim.telemetry.annotations import Annotation, device_marks, true_beats
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import Recording, Setup, record_strips
from sim.telemetry.edf_files import edf_text, write_edf
from sim.telemetry.wfdb_files import Span, write_annotations, write_wfdb

WHOLE = [Span(0, 150, "whole visit")]
APART = [Span(10, 25, "as found"), Span(100, 130, "as left")]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:wfdb")


def write(recording: Recording, spans: list[Span], folder: Path) -> list[Annotation]:
    """Write every file and return the marks, truth and device together."""
    truth, marks = true_beats(recording, 100.0), device_marks(recording)
    samples = write_wfdb(recording, spans, folder)
    write_annotations(truth, recording, folder / "strips.atr")
    write_annotations(marks, recording, folder / "strips.dev")
    for span, path in zip(spans, samples, strict=True):
        edf = path.with_suffix(".edf")
        write_edf(recording, span, path, marks=[*truth, *marks], path=edf)
    return [*truth, *marks]


@pytest.fixture(scope="module")
def whole(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write(recording, WHOLE, folder)
    return folder


@pytest.fixture(scope="module")
def apart(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apart")
    write(recording, APART, folder)
    return folder


def drawn(recording: Recording, span: Span) -> np.ndarray:
    """Return what was to be stored, `(n, n_channels)`, in units."""
    hz = recording.sampling_hz
    n = (span.end_s - span.start_s) * hz
    return np.column_stack(
        [c.draw(float(span.start_s), n, float(hz)) for c in recording.channels]
    )


def half_counts(recording: Recording) -> np.ndarray:
    """Return half a count of each trace, in its unit."""
    return np.array([0.5 / c.counts_per_unit for c in recording.channels]) + 1e-9


def test_wfdb_reads_every_sample_within_half_a_count(
    recording: Recording, whole: Path, wfdb: ModuleType
) -> None:
    read = wfdb.rdrecord(str(whole / "strips"))
    assert read.sig_name == [channel.name for channel in recording.channels]
    assert read.fs == recording.sampling_hz
    error = np.abs(read.p_signal - drawn(recording, WHOLE[0])).max(axis=0)
    assert (error <= half_counts(recording)).all()


def test_the_checksums_of_the_header_are_those_of_the_samples(
    whole: Path, wfdb: ModuleType
) -> None:
    read = wfdb.rdrecord(str(whole / "strips"), physical=False)
    sums = read.d_signal.astype(np.int64).sum(axis=0) % 0x10000
    assert [value % 0x10000 for value in read.checksum] == sums.tolist()
    assert read.init_value == read.d_signal[0].tolist()


def test_pyedflib_reads_every_sample_within_half_a_count(
    recording: Recording, whole: Path
) -> None:
    expected, half = drawn(recording, WHOLE[0]), half_counts(recording)
    with pyedflib.EdfReader(str(whole / "strips.edf")) as read:
        assert read.getSignalLabels() == [c.name for c in recording.channels]
        for k in range(len(recording.channels)):
            error = np.abs(read.readSignal(k) - expected[:, k])
            assert error.max() <= half[k]


@pytest.mark.parametrize("extension", ["atr", "dev"])
def test_wfdb_reads_every_annotation(
    recording: Recording, whole: Path, wfdb: ModuleType, extension: str
) -> None:
    marks = {"atr": true_beats(recording, 100.0), "dev": device_marks(recording)}
    expected = marks[extension]
    read = wfdb.rdann(str(whole / "strips"), extension)
    assert read.symbol == [mark.symbol for mark in expected]
    assert [text.rstrip("\0") for text in read.aux_note] == [m.text for m in expected]
    at_s = np.array([mark.at_s for mark in expected])
    assert np.abs(read.sample / recording.sampling_hz - at_s).max() <= 0.5 / 500 + 1e-9


def test_pyedflib_reads_every_annotation(recording: Recording, whole: Path) -> None:
    marks = [*true_beats(recording, 100.0), *device_marks(recording)]
    with pyedflib.EdfReader(str(whole / "strips.edf")) as read:
        at_s, _, texts = read.readAnnotations()
    expected = sorted((round(mark.at_s, 4), edf_text(mark)) for mark in marks)
    assert sorted(zip(np.round(at_s, 4).tolist(), texts, strict=True)) == expected


def test_every_train_is_marked_with_its_length_in_edf(
    recording: Recording, whole: Path
) -> None:
    with pyedflib.EdfReader(str(whole / "strips.edf")) as read:
        _, lasts_s, texts = read.readAnnotations()
    trains = [text.startswith("^ CCM") for text in texts]
    assert sum(trains) == int(recording.beats.delivered.sum())
    expected_s = recording.programmed[0].train_ms * 1e-3
    assert lasts_s[trains] == pytest.approx(expected_s, abs=1e-4)


def test_gaps_between_strips_have_no_samples_and_keep_the_clock(
    recording: Recording, apart: Path, wfdb: ModuleType
) -> None:
    read = wfdb.rdrecord(str(apart / "strips"))
    hz = recording.sampling_hz
    assert read.sig_len == 130 * hz
    covered = np.zeros(read.sig_len, dtype=bool)
    for span in APART:
        own = slice(span.start_s * hz, span.end_s * hz)
        covered[own] = True
        error = np.abs(read.p_signal[own] - drawn(recording, span)).max(axis=0)
        assert (error <= half_counts(recording)).all()
    assert np.array_equal(np.isfinite(read.p_signal).all(axis=1), covered)


def test_a_record_with_gaps_opens_as_its_segments(
    recording: Recording, apart: Path, wfdb: ModuleType
) -> None:
    """As `docs/how-to/open-the-strips.md` shows it: `m2s=False` keeps them apart."""
    read = wfdb.rdrecord(str(apart / "strips"), m2s=False)
    names = [name for name in read.seg_name if name != "~"]
    assert names == ["strips_layout", "strips_0001", "strips_0002"]
    strips = [part for part in read.segments if part is not None and part.sig_len]
    lengths = [part.sig_len / recording.sampling_hz for part in strips]
    assert lengths == [span.end_s - span.start_s for span in APART]


def test_channels_of_edf_tell_what_they_are_and_their_unit(
    recording: Recording, whole: Path
) -> None:
    with pyedflib.EdfReader(str(whole / "strips.edf")) as read:
        heads = {head["label"]: head for head in read.getSignalHeaders()}
    assert {name: head["dimension"] for name, head in heads.items()} == {
        channel.name: channel.unit.replace("NU", "") for channel in recording.channels
    }
    assert heads["ECG II"]["transducer"] == "simulated: surface electrodes"
    assert "septum" in heads["EGM V1"]["transducer"]
    assert "aorta" in heads["ABP"]["transducer"]
    assert "marks" in heads["MARKER"]["transducer"]
    assert {head["prefilter"] for head in heads.values()} == {"HP:none LP:none"}


def test_a_strip_in_edf_begins_at_its_time_of_the_visit(apart: Path) -> None:
    with pyedflib.EdfReader(str(apart / "strips_0002.edf")) as read:
        assert read.getStartdatetime() == datetime(2000, 1, 1, 0, 1, 40)
        assert read.getFileDuration() == 30.0
        at_s = read.readAnnotations()[0]
    assert 0.0 <= at_s.min() <= at_s.max() <= 30.0


def test_every_header_has_the_pseudonym_and_says_simulated(
    apart: Path, whole: Path
) -> None:
    headers = [*apart.glob("*.hea"), *whole.glob("*.hea")]
    files = [*apart.glob("*.edf"), *whole.glob("*.edf")]
    marks = [*apart.glob("*.atr"), *whole.glob("*.dev")]
    assert len(headers) == 5
    assert len(files) == 3
    assert len(marks) == 2
    for path in [*headers, *files, *marks]:
        head = path.read_bytes()[:2048]
        assert b"SIM-000007-000" in head
        assert b"simulated" in head


def test_the_header_tells_which_lead_is_the_local_sense(
    recording: Recording, whole: Path, wfdb: ModuleType
) -> None:
    assert {settings.ls_channel for settings in recording.programmed} == {"V2"}
    comments = wfdb.rdheader(str(whole / "strips")).comments
    assert "local sense is EGM V2" in comments


def test_equal_recordings_give_equal_bytes(
    recording: Recording, apart: Path, tmp_path: Path
) -> None:
    write(recording, APART, tmp_path)
    names = sorted(path.name for path in apart.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (apart / name).read_bytes() == (tmp_path / name).read_bytes(), name


def most_memory(minutes: int, beats_of: Callable[..., RecordedBeats], to: Path) -> int:
    """Return the most bytes that writing some minutes takes."""
    beats = beats_of([0] * round(60 * minutes / 0.8))
    made = record_strips(beats, (Settings(),), Setup("S", sampling_hz=1000))
    span = Span(0, 60 * minutes, "whole visit")
    tracemalloc.start()
    samples = write_wfdb(made, [span], to)
    write_edf(made, span, samples[0], marks=[], path=to / "strips.edf")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_samples_go_to_the_disk_and_are_not_held(
    beats_of: Callable[..., RecordedBeats], tmp_path: Path
) -> None:
    short = most_memory(5, beats_of, tmp_path)
    size = (tmp_path / "strips.edf").stat().st_size
    long = most_memory(25, beats_of, tmp_path)
    more = (tmp_path / "strips.edf").stat().st_size - size
    # a second of annotations and a beat's waves are kept, no sample
    assert long - short < 0.05 * more


def test_no_note_at_the_first_sample_is_lost(
    recording: Recording, tmp_path: Path, wfdb: ModuleType
) -> None:
    marks = [Annotation(0.0, '"', "phase check-in"), Annotation(0.0, "+", "(N")]
    write_annotations(marks, recording, tmp_path / "first.atr")
    read = wfdb.rdann(str(tmp_path / "first"), "atr")
    assert read.symbol == ["+", '"']
    assert read.aux_note == ["(N", "phase check-in"]
    assert read.sample.tolist() == [0, 1]
    assert read.fs == recording.sampling_hz  # no header stands beside it


def test_annotations_hours_apart_keep_their_time(
    recording: Recording, tmp_path: Path, wfdb: ModuleType
) -> None:
    at_s = [0.002, 2.05, 2.05, 500.0, 14400.0]
    marks = [Annotation(item, "N") for item in at_s]
    write_annotations(marks, recording, tmp_path / "far.atr")
    read = wfdb.rdann(str(tmp_path / "far"), "atr")
    assert read.sample.tolist() == [1, 1025, 1025, 250_000, 7_200_000]


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (Annotation(1.0, "?"), "symbol must be one of"),
        (Annotation(1.0, '"', "x" * 256), "up to 255 letters, got 256"),
    ],
)
def test_an_annotation_that_no_reader_knows_is_refused(
    recording: Recording, tmp_path: Path, mark: Annotation, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        write_annotations([mark], recording, tmp_path / "x.atr")


def an_hour(of: str, beats_of: Callable[..., RecordedBeats]) -> RecordedBeats:
    """Return an hour of a patient, with a train in each conducted beat."""
    patient = phenotype(of)
    heart = BeatingHeart(patient.heart, heart_streams(7), 3700.0)
    now_s, seen = 0.0, []
    while now_s < 3600.0:
        seen.append(heart.activate(now_s))
        now_s += heart.contract(0.05)
    rows = heart.beats
    beats = beats_of([0] * len(seen))
    own = {"start_s": "at_s", "rr_s": "rr_s", "origin": "origin"}
    for name, column in own.items():
        getattr(beats, name)[:] = rows[:, BEAT_COLUMNS.index(column)]
    beats.delivered[:] = beats.conducted
    beats.atrial_s[:] = [a.atrial_s or np.nan for a in seen]
    beats.v1_s[:] = [a.v1_s for a in seen]
    beats.train_start_s[:] = beats.v1_s + 0.045
    beats.train_end_s[:] = beats.v1_s + 0.045 + 0.02056
    return beats


@pytest.mark.slow
def test_a_public_detector_finds_the_beats_of_an_hour_with_ectopics(
    beats_of: Callable[..., RecordedBeats], recording: Recording, wfdb: ModuleType
) -> None:
    beats = an_hour("hfref-frequent-pvc", beats_of)
    assert beats.ectopic.sum() > 100
    setup = Setup("S", sampling_hz=250, qrs_ms=130.0)
    hour = record_strips(beats, recording.programmed, setup)
    true = [m.at_s * 250 for m in true_beats(hour, 130.0) if m.symbol in "NV"]
    lead_ii = hour.counts(0, 3600 * 250)[:, 0] / 1000.0
    detector = wfdb.processing.XQRS(sig=lead_ii, fs=250)
    detector.detect(verbose=False)
    within_150_ms = round(0.150 * 250)  # as the AAMI standard compares
    compared = wfdb.processing.compare_annotations(
        np.rint(true).astype(int), detector.qrs_inds, within_150_ms
    )
    assert compared.sensitivity >= 0.99
    assert compared.positive_predictivity >= 0.99
