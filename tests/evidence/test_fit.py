"""Bedside values in, a patient out: what is told, what is not, what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.cli import invoke
from harness.evidence.fit.measurements import (
    Measurement,
    MeasurementsError,
    parse_measurements,
)
from harness.evidence.fit.quantities import QUANTITIES
from harness.evidence.fit.solver import UNKNOWNS, FittedPatient, fit_patient, observed
from harness.evidence.fit.text import fit_text, patient_file
from harness.play.scenario import load_scenario
from sim.patient import Patient, phenotype
from sim.patient.files import patient_from_toml
from sim.patient.solve import adapted

REQUIRED = ("SBP", "DBP", "HR", "EF", "EDV")
ENOUGH = (*REQUIRED, "PCWP")
FACTORS = (1.2, 0.93, 0.85, 1.25, 0.85, 1.05)
GOOD = """quantity,value,unit,sd
SBP,112,mmHg,4
DBP,68,mmHg,
HR,78,bpm,2
EF,0.27,1,0.02
EDV,240,mL,15
LAP,19,mmHg,2
"""


@cache
def somebody() -> Patient:
    """Return a patient who differs from the one that the fit starts from."""
    base = phenotype("hfref-ischaemic")
    values = {
        unknown.name: getattr(base.circulation, unknown.name) * factor
        for unknown, factor in zip(UNKNOWNS, FACTORS, strict=True)
    }
    rate_bpm = values["heart_rate_bpm"]
    return adapted(
        replace(
            base,
            circulation=replace(base.circulation, **values),
            rhythm=replace(base.rhythm, heart_rate_bpm=rate_bpm),
            contractility=replace(base.contractility, reference_rate_bpm=rate_bpm),
        )
    )


def measured(
    names: Sequence[str], rng: np.random.Generator | None = None
) -> list[Measurement]:
    seen = observed(somebody())
    rows = []
    for name in names:
        sd = QUANTITIES[name].default_sd(seen[name]) * (1.0 if rng is None else 0.4)
        error = 0.0 if rng is None else sd * rng.standard_normal()
        rows.append(Measurement(name, seen[name] + error, sd, False))
    return rows


@cache
def fitted(names: tuple[str, ...]) -> FittedPatient:
    return fit_patient(measured(names), phenotype("hfref-ischaemic"))


def truth(name: str) -> float:
    return float(getattr(somebody().circulation, name))


def faults_of(text: str) -> list[str]:
    with pytest.raises(MeasurementsError) as caught:
        parse_measurements(text, "bedside.csv")
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "names",
    [ENOUGH, (*REQUIRED, "PCWP", "CO"), tuple(QUANTITIES)],
    ids=lambda names: " ".join(names),
)
def test_values_without_error_give_back_every_number(names: tuple[str, ...]) -> None:
    for row in fitted(names).estimates:
        assert row.told
        assert row.value == pytest.approx(truth(row.name), rel=0.01)


def test_a_fitted_patient_shows_the_values_that_were_measured() -> None:
    for row in fitted(ENOUGH).residuals:
        assert abs(row.in_sds) < 1e-3


def test_without_a_filling_pressure_the_stressed_volume_is_named_as_not_told() -> None:
    fit = fitted(REQUIRED)
    assert "stressed_volume_ml" in {row.name for row in fit.not_told}
    assert fit.singular_values[-1] < fit.rules.least_singular_value
    assert "Not told by these data: stressed volume" in fit_text(fit)


def test_what_the_data_do_tell_stays_right_when_the_rest_is_not_told() -> None:
    told = {row.name: row for row in fitted(REQUIRED).estimates if row.told}
    elastance = told["lv_elastance_mmhg_per_ml"]
    assert elastance.value == pytest.approx(truth(elastance.name), rel=0.02)


def test_an_interval_without_a_filling_pressure_is_wider_than_with_one() -> None:
    pairs = zip(fitted(REQUIRED).estimates, fitted(ENOUGH).estimates, strict=True)
    volume = next(pair for pair in pairs if pair[0].name == "stressed_volume_ml")
    assert volume[0].relative_sd_pct > 1.5 * volume[1].relative_sd_pct


@pytest.mark.parametrize(
    "n_fits",
    [
        pytest.param(30, marks=pytest.mark.slow),
        pytest.param(600, marks=pytest.mark.soak),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(n_fits: int) -> None:
    rng = np.random.default_rng(20)
    names = tuple(QUANTITIES)
    base = phenotype("hfref-ischaemic")
    hits = [
        row.low <= truth(row.name) <= row.high
        for _ in range(n_fits)
        for row in fit_patient(measured(names, rng), base).estimates
    ]
    # 180 intervals of 95 %; SDs a third too small would cover 0.81, too large 0.991
    assert 0.90 <= np.mean(hits) <= 0.99


def test_a_number_at_its_bound_is_named() -> None:
    flat = {"SBP": 111.0, "DBP": 107.0}  # a pulse that no compliance allowed gives
    rows = [
        replace(row, value=flat.get(row.quantity, row.value), sd=0.02 * row.sd)
        for row in measured(ENOUGH)
    ]
    fit = fit_patient(rows, phenotype("hfref-ischaemic"))
    at_bound = [row.name for row in fit.not_told if "value allowed" in row.note]
    assert "systemic_arterial_compliance_ml_per_mmhg" in at_bound


def test_values_that_contradict_each_other_are_said_to() -> None:
    rows = [
        replace(row, value=2.0 * row.value) if row.quantity == "CO" else row
        for row in measured((*ENOUGH, "CO"))
    ]
    fit = fit_patient(rows, phenotype("hfref-ischaemic"))
    assert fit.misfit_probability < 0.01
    assert "No heart of this model has these values" in fit_text(fit)


def test_the_patient_file_reads_back_as_the_fitted_patient() -> None:
    fit = fitted(ENOUGH)
    assert patient_from_toml(patient_file(fit, "bedside.csv")) == fit.patient


def test_every_fitted_number_is_credited_to_the_measurements() -> None:
    sources = {row.name: row.source for row in fitted(REQUIRED).patient.provenance()}
    for row in fitted(REQUIRED).estimates:
        source = sources[f"circulation.{row.name}"]
        assert source.reference == "measurements"
        assert source.standing == ("fitted" if row.told else "assumed")


def test_the_command_writes_a_patient_that_a_scenario_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bedside, made = tmp_path / "bedside.csv", tmp_path / "made.toml"
    bedside.write_text(GOOD, encoding="utf-8")
    assert invoke(["fit", str(bedside), "--out", str(made)]) == 0
    assert "95 % interval" in capsys.readouterr().out
    scenario = tmp_path / "visit.toml"
    scenario.write_text('title = "a visit"\n[patient]\nfile = "made.toml"\n')
    patient = load_scenario(scenario).patient.patient
    assert patient.name == "bedside"
    assert observed(patient)["PCWP"] == pytest.approx(19.0, abs=0.5)


def test_a_patient_file_that_is_there_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bedside, made = tmp_path / "bedside.csv", tmp_path / "made.toml"
    bedside.write_text(GOOD, encoding="utf-8")
    made.write_text("mine", encoding="utf-8")
    assert invoke(["fit", str(bedside), "--out", str(made)]) == 2
    assert made.read_text(encoding="utf-8") == "mine"
    assert "--force" in capsys.readouterr().err


def test_a_bad_file_exits_2_with_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bedside = tmp_path / "bedside.csv"
    bedside.write_text(GOOD.replace("112", "12"), encoding="utf-8")
    assert invoke(["fit", str(bedside)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "row 2, column value: of SBP must be 60 to 220 mmHg, got 12 mmHg" in said.err


def test_an_unknown_phenotype_offers_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bedside = tmp_path / "bedside.csv"
    bedside.write_text(GOOD, encoding="utf-8")
    assert invoke(["fit", str(bedside), "--phenotype", "norml"]) == 2
    assert "normal" in capsys.readouterr().err


def test_spellings_and_units_of_the_bedside_are_understood() -> None:
    read = parse_measurements(GOOD, "bedside.csv").measurements
    rows = {row.quantity: row for row in read}
    assert rows["EF"].value == pytest.approx(27.0)
    assert rows["EF"].sd == pytest.approx(2.0)
    assert rows["PCWP"].value == 19.0
    assert not rows["DBP"].sd_given
    assert rows["DBP"].sd == QUANTITIES["DBP"].default_sd(68.0)


def test_semicolons_comments_and_blank_lines_are_understood() -> None:
    text = "# from the ward\n" + GOOD.replace(",", ";").replace("\n", "\n\n")
    read, same = parse_measurements(text, "a"), parse_measurements(GOOD, "a")
    assert read.measurements == same.measurements
    assert read.ignored == ("row 1 (a comment)",)


@pytest.mark.parametrize("mark", [";", "\t"], ids=["semicolon", "tab"])
def test_a_decimal_comma_is_read_where_it_cannot_part_cells(mark: str) -> None:
    text = GOOD.replace("112,", "112.5,").replace(",", mark).replace(".", ",")
    rows = {r.quantity: r for r in parse_measurements(text, "a").measurements}
    assert (rows["SBP"].value, rows["EF"].value) == (112.5, pytest.approx(27.0))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('"#note,', "row 8: has a quote that is not closed"),
        ('"#note\nCO,4.3,L/min,"', "row 8: has a quote that is not closed"),
        ('CO,"4.3"x,L/min,', "row 8: has a quote that is not closed, or text after"),
        ("CO,4,3,L/min,", "row 8: must have 4 cells, got 5; write 27.5 with a point"),
        (f"CO,{'4' * 200_000},L/min,", "row 8: has a cell that is too long"),
        ("CO,4.3,L/min,1e-300", "row 8, column sd: of CO must be 0.0012 to 12 L/min"),
    ],
)
def test_no_row_is_dropped_in_silence(row: str, told: str) -> None:
    assert any(told in fault for fault in faults_of(f"{GOOD}{row}\n"))


def test_rows_read_and_ignored_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bedside = tmp_path / "bedside.csv"
    bedside.write_text(f'{GOOD}"# a note, in full"\n,,,\n', encoding="utf-8")
    assert invoke(["fit", str(bedside), "--out", str(tmp_path / "out.toml")]) == 0
    told = "ignored   row 8 (a comment), row 9 (empty cells)"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("rate_bpm", [35, 150])
def test_run_takes_what_fit_writes_at_the_ends_of_the_ranges(
    tmp_path: Path, rate_bpm: int
) -> None:
    bedside, patient = tmp_path / "bedside.csv", tmp_path / "patient.toml"
    text = GOOD.replace("HR,78,bpm,2", f"HR,{rate_bpm},bpm,0.5")
    bedside.write_text(text, encoding="utf-8")
    assert invoke(["fit", str(bedside), "--out", str(patient)]) == 0
    scenario = tmp_path / "visit.toml"
    scenario.write_text(f'title = "t"\n[patient]\nfile = "{patient.name}"\n')
    fitted_bpm = load_scenario(scenario).patient.patient.circulation.heart_rate_bpm
    assert 35.0 <= fitted_bpm <= 150.0
    assert fitted_bpm == pytest.approx(rate_bpm, abs=1.0)  # two SDs of the reading


def test_every_fault_is_told_at_once_with_row_and_column() -> None:
    text = """quantity,value,unit,sd
SBP,112,kPa,4
DBP,abc,mmHg,4
HR,78,1/min,0
EFF,27,%,2
EDV,2400,mL,15
EDV,240,mL,15
PCWP,19
"""
    told = faults_of(text)
    assert told == [
        "row 2, column value: of SBP must be 60 to 220 mmHg, got 112 kPa; it would be "
        "allowed in mmHg: name the unit that is meant",
        "row 3, column value: of DBP must be 30 to 140 mmHg, got abc mmHg",
        "row 4, column sd: of HR must be 0.015 to 150 1/min, got 0 1/min",
        "row 5, column quantity: must be one of SBP, DBP, HR, EF, EDV, PCWP, CO, "
        "dP/dt max, MAP, ESV, SV, got 'EFF' (nearest is 'EF')",
        "row 6, column value: of EDV must be 60 to 500 mL, got 2400 mL",
        "row 7, column quantity: row 6 gives EDV already; give each once",
        "row 8: must have 4 cells, got 2",
        "EF (ejection fraction) or ESV or SV must be given, 5 to 80 %",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty; its first row must be quantity,value,unit,sd"),
        ("quantity,value\nSBP,1\n", "row 2, column value: of SBP must be 60 to 220"),
        ("quantity,valeu,unit\n", "has no column 'value' (nearest is 'valeu')"),
        ("weight,height\n80,1.8\n", "has no column 'quantity'; must be quantity"),
        ("quantity,value,unit\n", "has no measurements below its headings"),
        (GOOD.replace("112", "nan"), "SBP (systolic pressure) must be given"),
        (GOOD.replace("112", "<90"), "row 2, column value: of SBP must be 60 to 220"),
        (
            GOOD.replace("68", "130"),
            "column value: of DBP must be below SBP (112 mmHg)",
        ),
        (GOOD.replace("SBP,112,mmHg,4\n", ""), "SBP (systolic pressure) must be given"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, told: str) -> None:
    assert any(told in fault for fault in faults_of(text))


def test_a_quantity_that_is_like_none_is_offered_none() -> None:
    (told,) = [
        fault for fault in faults_of("quantity,value\nBNP,9\n") if "BNP" in fault
    ]
    assert told.endswith("got 'BNP'")


def test_a_missing_file_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["fit", str(tmp_path / "none.csv")]) == 2
    assert "cannot be read: no such file" in capsys.readouterr().err


def test_the_how_to_lists_each_quantity_with_range_and_default_error() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "fit-a-patient.md"
    text = page.read_text(encoding="utf-8")
    for row in QUANTITIES.values():
        line = next(s for s in text.splitlines() if s.startswith(f"| {row.name} "))
        error = f"{row.sd_pct:g} % of the value" if row.sd_pct else f"{row.sd:g}"
        assert f"| {row.low:g} to {row.high:g} | {error} |" in line
