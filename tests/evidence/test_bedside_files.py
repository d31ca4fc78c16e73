"""Bedside files as wards and registries write them: one reading, or none."""

import codecs
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import invoke
from harness.evidence.fit import fit as fitting
from harness.evidence.fit.headings import Role, column
from harness.evidence.fit.measurements import (
    MeasurementFile,
    MeasurementsError,
    parse_measurements,
    read_measurements,
)
from harness.evidence.fit.quantities import QUANTITIES
from harness.evidence.fit.written import written
from sim.units import MMHG_PER_KPA

LONG = """quantity,value,unit,sd
SBP,112,mmHg,4
DBP,68,mmHg,
HR,78,bpm,2
EF,27.5,%,2
EDV,240,mL,15
"""
WARD = """Patient ID;BP (mmHg);HR bpm;LVEF;LVEDV [mL];Wedge;MAP;Seen on;Notes
A-01;108/66;78;27,5;240;19;70 to 80;2026-03-01;"fine; walks"
A-02;118/76;70;31;220 ml;;na;2026-03-02;
"""


def values(bedside: MeasurementFile, who: int = 0) -> dict[str, float]:
    return {m.quantity: m.value for m in bedside.people[who].measurements}


def faults_of(text: str) -> str:
    with pytest.raises(MeasurementsError) as caught:
        parse_measurements(text, "ward.csv")
    return str(caught.value)


def test_a_row_a_patient_gives_each_their_values() -> None:
    read = parse_measurements(WARD, "ward.csv")
    assert [person.name for person in read.people] == ["A-01", "A-02"]
    assert values(read) == {
        "SBP": 108.0,
        "DBP": 66.0,
        "HR": 78.0,
        "EF": 27.5,
        "EDV": 240.0,
        "PCWP": 19.0,
        "MAP": 75.0,
    }
    assert "PCWP" not in values(read, 1)
    assert "MAP" not in values(read, 1)


def test_columns_that_mean_nothing_are_named_and_left_out() -> None:
    assert parse_measurements(WARD, "w").ignored == (
        "column 'Seen on'",
        "column 'Notes'",
    )


def test_what_was_understood_is_told_with_column_and_unit() -> None:
    told = parse_measurements(WARD, "w").understood
    assert told[0].endswith("semicolons between cells, one row a patient, 2 patients")
    assert "numbers   decimal comma" in told
    assert "EDV       column 'LVEDV [mL]', in mL" in told
    assert "EF        column 'LVEF', taken as %: no other is possible" in told


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("cp1252", b""),
    ],
)
def test_every_encoding_gives_the_same_values(
    tmp_path: Path, encoding: str, mark: bytes
) -> None:
    file = tmp_path / "ward.csv"
    text = WARD.replace("fine", "größer ± 3").replace("\n", "\r\n")
    file.write_bytes(mark + text.encode(encoding))
    assert values(read_measurements(file)) == values(parse_measurements(WARD, "w"))


def workbook(file: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


ROWS: list[list[object]] = [
    ["Echo lab, spring"],
    [],
    ["Patient", "Date", "SBP", "DBP", "HR", "LVEF", "EDV", "dP/dt max"],
    ["A-01", date(2026, 3, 1), 112.5, 68, 78, 0.275, 240, 1085],
]


def test_a_workbook_of_another_program_is_read_below_its_title(tmp_path: Path) -> None:
    read = read_measurements(workbook(tmp_path / "a.xlsx", Echo=ROWS, Notes=[["x"]]))
    assert read.people[0].name == "A-01"
    assert values(read)["SBP"] == 112.5
    assert values(read)["EF"] == pytest.approx(27.5)
    assert "row 1 (above the headings)" in read.ignored


def test_of_two_sheets_with_measurements_one_must_be_named(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", One=ROWS, Two=ROWS)
    with pytest.raises(MeasurementsError, match="sheets 'One', 'Two'; say which with"):
        read_measurements(file)
    assert values(read_measurements(file, sheet="Two"))["SBP"] == 112.5
    with pytest.raises(MeasurementsError, match="no sheet 'Tow'; its sheets: One, Two"):
        read_measurements(file, sheet="Tow")


def test_a_spoiled_workbook_is_one_message(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "a.xlsx", Echo=ROWS).read_bytes()
    for cut in (len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.xlsx").write_bytes(whole[:cut])
        with pytest.raises(MeasurementsError, match="is no workbook that can be read"):
            read_measurements(tmp_path / "cut.xlsx")


def test_kilopascals_and_fractions_are_the_same_values() -> None:
    text = LONG.replace("112,mmHg,4", f"{112 / MMHG_PER_KPA},kPa,0.5")
    text = text.replace("27.5,%,2", "0.275,fraction,0.02")
    read = values(parse_measurements(text, "a"))
    assert read["SBP"] == pytest.approx(112.0)
    assert read["EF"] == pytest.approx(27.5)


def test_a_kilopascal_is_seven_and_a_half_millimetres_of_mercury() -> None:
    # BIPM, SI brochure: 1 mmHg = 133.322 387 415 Pa
    kpa = 120.0 / MMHG_PER_KPA
    assert kpa == pytest.approx(15.9987, abs=1e-4)


def test_a_unit_left_out_is_taken_only_where_no_other_is_possible() -> None:
    read = parse_measurements(LONG.replace(",mmHg,", ",,"), "a")
    assert values(read)["SBP"] == 112.0
    told = faults_of(LONG + "PCWP,5,,\n")  # 5 mmHg, or 5 kPa, which is 38 mmHg
    assert "row 7, column value: of PCWP may be mmHg or kPa, got 5; name the" in told


def test_a_fraction_in_a_column_of_percent_is_not_guessed_at() -> None:
    told = faults_of("sbp,dbp,hr,ef_pct,edv\n112,68,78,0.27,240\n")
    assert "of EF must be 5 to 80 %, got 0.27 %; it would be allowed in 1" in told


def test_a_number_that_has_two_readings_asks_for_the_format() -> None:
    text = LONG.replace("27.5", "27") + 'dP/dt max,1200,mmHg/s,"1,500"\n'
    assert "1,500 as 1500 or as 1.5; say which with --decimal point" in faults_of(text)
    for decimal, sd in (("point", 1500.0), ("comma", 1.5)):
        read = parse_measurements(text, "a", decimal=decimal)  # type: ignore[arg-type]
        assert read.measurements[-1].sd == sd


def test_one_decimal_comma_tells_how_all_numbers_of_a_file_are_meant() -> None:
    text = LONG.replace("27.5", '"27,5"') + 'dP/dt max,1200,mmHg/s,"1,500"\n'
    assert parse_measurements(text, "a").measurements[-1].sd == 1.5


def test_a_range_is_its_middle_with_the_spread_of_what_may_lie_anywhere_in_it() -> None:
    (row,) = [
        m
        for m in parse_measurements(f"{LONG}MAP,70 to 82,mmHg,\n", "a").measurements
        if m.quantity == "MAP"
    ]
    # a reading's error of 5 beside 12 / sqrt(12)
    assert (row.value, row.sd**2) == (76.0, pytest.approx(25.0 + 12.0))


@pytest.mark.parametrize(
    ("text", "comma", "low", "high"),
    [
        ("108,5", True, 108.5, 108.5),
        ("1.085,5", True, 1085.5, 1085.5),
        ("1,085.5", False, 1085.5, 1085.5),
        ("1 085", False, 1085.0, 1085.0),
        ("70-80 mmHg", False, 70.0, 80.0),
        ("70 – 80", False, 70.0, 80.0),
        ("1e2", False, 100.0, 100.0),
    ],
)
def test_a_number_is_read_as_people_write_it(
    text: str, comma: bool, low: float, high: float
) -> None:
    read = written(text, comma=comma)
    assert read is not None
    assert (read.low, read.high) == (low, high)


@pytest.mark.parametrize("text", ["<90", "abc", "80 to 70", "1e999", "1,08", "1.2.3"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert written(text, comma=False) is None


def test_72_plus_minus_3_brings_its_spread() -> None:
    rows = parse_measurements(LONG.replace("68,mmHg,", "72 ± 3,mmHg,"), "a")
    assert (rows.measurements[1].sd, rows.measurements[1].sd_given) == (3.0, True)


@given(st.floats(35.0, 150.0), st.sampled_from([(False, "."), (True, ",")]))
def test_a_number_written_out_is_read_back(value: float, how: tuple[bool, str]) -> None:
    comma, mark = how
    read = written(repr(value).replace(".", mark), comma=comma)
    assert read is not None
    assert read.value == value


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("SBP (mmHg)", "SBP", "mmHg"),
        ("ef_pct", "EF", "%"),
        ("LVEDV [ml]", "EDV", "mL"),
        ("dP/dt max (mmHg/s)", "dP/dt max", "mmHg/s"),
        ("dpdt_max_mmhg_per_s", "dP/dt max", "mmHg/s"),
        ("Heart rate, bpm", "HR", "1/min"),
        ("End-diastolic volume", "EDV", ""),
    ],
)
def test_a_heading_names_quantity_and_unit(heading: str, name: str, unit: str) -> None:
    got = column(0, heading)
    assert (got.role, got.quantity, got.unit) == (Role.MEASURED, name, unit)


@pytest.mark.parametrize("heading", ["LVEDVI", "SBP (standing)", "EF (mmHg)", "", "CI"])
def test_a_heading_of_something_else_is_none_of_ours(heading: str) -> None:
    assert column(0, heading).role is Role.FURTHER


def test_a_column_of_spreads_goes_with_its_quantity() -> None:
    text = "sbp,sbp sd,dbp,hr,ef,edv\n112,3,68,78,27,240\n"
    assert parse_measurements(text, "a").measurements[0].sd == 3.0


def test_a_row_of_units_below_the_headings_is_one() -> None:
    text = "sbp,dbp,hr,ef,edv\nkPa,kPa,bpm,%,ml\n15,9,78,27,240\n"
    read = parse_measurements(text, "a")
    assert values(read)["SBP"] == pytest.approx(15 * MMHG_PER_KPA)
    assert "row 2 (units)" in read.ignored


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.replace("A-02", "A-01"), "row 2 gives SBP already; give each"),
        (lambda t: t.replace("70;31", ";31"), "patient 'A-02': HR (heart rate) must"),
        (lambda t: t.replace("LVEDV", "LVEDVI"), "not understood: column 'LVEDVI"),
        (lambda t: t.replace("108/66", "108"), "of BP must be systolic/diastolic"),
        (lambda t: t.replace("Wedge", "EF %"), "means what column 'LVEF' does"),
    ],
)
def test_what_is_wrong_with_one_patient_of_many_is_told(
    change: Callable[[str], str], told: str
) -> None:
    assert told in faults_of(change(WARD))


def test_a_mean_pressure_may_stand_for_the_diastolic_and_volumes_for_the_fraction() -> (
    None
):
    text = LONG.replace("DBP,68", "MAP,80").replace("EF,27.5,%", "ESV,174,mL")
    assert set(values(parse_measurements(text, "a"))) == {
        *("SBP", "MAP", "HR", "ESV", "EDV")
    }


def test_many_patients_are_a_file_each_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ward, out = tmp_path / "ward.csv", tmp_path / "fitted"
    ward.write_text(WARD, encoding="utf-8")
    assert invoke(["fit", str(ward), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "fitting   A-02, 2 of 2" in said.err
    assert "fitted    2 of 2 patients" in said.out
    made = sorted(path.name for path in out.iterdir())
    assert made == ["A-01-patient.toml", "A-02-patient.toml", fitting.TABLE]
    header, *rows = (out / fitting.TABLE).read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["A-01", "A-02"]
    assert {f"{q}_measured" for q in ("sbp_mmhg", "ef_pct")} < set(header.split(","))
    assert invoke(["fit", str(ward), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_two_patients_that_would_share_a_file_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ward = tmp_path / "ward.csv"
    ward.write_text(WARD.replace("A-01", "x y").replace("A-02", "X/Y"))
    assert invoke(["fit", str(ward)]) == 2
    assert "would share the file" in capsys.readouterr().err


def test_each_quantity_can_be_written_as_a_column_of_the_table() -> None:
    names = {fitting._key(name) for name in QUANTITIES}
    assert len(names) == len(QUANTITIES)
    assert "dpdtmax_mmhg_per_s" in names
