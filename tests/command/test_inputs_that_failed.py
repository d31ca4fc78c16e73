"""Inputs that once ended in a traceback or in silence, each with what is right."""

from pathlib import Path

import pytest

from harness.cli import invoke

PATIENT = '[patient]\nphenotype = "hfref-ischaemic"\n'
SCENARIOS = {
    "module without a name": (
        PATIENT + '[search]\nstrategy = ".x:f"\n',
        "search.strategy: '.x' is no name of a module to load a strategy from",
    ),
    "NUL in a path": (
        '[patient]\nfile = "a\\u0000b"\n',
        "patient.file: a\N{REPLACEMENT CHARACTER}b: cannot be read: "
        "no file has such a name",
    ),
    "digits without end": (
        f"seed = {'9' * 5000}\n" + PATIENT,
        "not valid TOML: a number of more than 64 bits in line 2",
    ),
    "depth without end": (
        PATIENT + f"x = {'[' * 2000}1{']' * 2000}\n",
        "not valid TOML here: lists or tables lie deeper than 20 in line 4",
    ),
    "beyond a double": (
        PATIENT + f"[device.settings]\namplitude_v = 1{'0' * 400}\n",
        "device.settings.amplitude_v: must be a number of at most 64 bits",
    ),
}
ROWS = "quantity,value,unit,sd\nSBP,108,mmHg,\nDBP,66,mmHg,\nHR,78,1/min,\nEF,27,%,2\n"
MEASUREMENTS = {
    "a quote that is not closed": (
        ROWS + 'EDV,240,mL,\n# the " of the ward\n"LAP,19,mmHg,2\nCO,4.3,L/min,\n',
        "row 8: has a quote that is not closed",
    ),
    "a huge cell": (
        ROWS + f"EDV,240,mL,{'1' * 200_000}\n",
        "row 6: has a cell that is too long, 200011 characters",
    ),
}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert invoke(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ccmlab: ")
    return said.err


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_that_cannot_be_is_told_with_file_and_place(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, told = SCENARIOS[name]
    file = tmp_path / "visit.toml"
    file.write_text('title = "x"\n' + text, encoding="utf-8")
    said = refused(["run", str(file), "--out", str(tmp_path / "out")], capsys)
    assert said == f"ccmlab: {file}: {told}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_measurements_are_read_to_the_last_row_or_not_at_all(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, told = MEASUREMENTS[name]
    file, out = tmp_path / "bedside.csv", tmp_path / "fitted.toml"
    file.write_text(text, encoding="utf-8")
    said = refused(["fit", str(file), "--out", str(out)], capsys)
    assert said.startswith(f"ccmlab: {file}: ")
    assert told in said
    assert not out.exists()
