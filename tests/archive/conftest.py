"""One short visit, played and written once for all tests that only read it."""

from pathlib import Path

import pytest

from harness.archive import run_folder as archive
from harness.archive.run_folder import write_run
from harness.play.run import Run, run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.report.contents import Report
from harness.report.figures.plot import Picture
from harness.truth.answer_key import truth_of

SHORT = {
    "visit.titration_min": 6,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a short first visit."""
    scenario = load_scenario("first_visit").changed(SHORT)
    return run_scenario(scenario, scenario_name="first_visit")


@pytest.fixture(scope="session")
def report(run: Run) -> Report:
    return report_of(run, truth_of(run.played))


@pytest.fixture(scope="session")
def whole(run: Run, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its folder; who changes anything in it takes `folder`, a copy."""
    return write_run(run, report, tmp_path_factory.mktemp("archive") / "whole")


@pytest.fixture
def quick(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing anew where only the writing is of interest."""
    made = {path.name: path.read_bytes() for path in whole.glob("report.*")}
    drawn = {
        path.stem: Picture(path.read_bytes(), title="", words="", caption="")
        for path in whole.glob("figures/*.svg")
    }
    monkeypatch.setattr(archive, "renderings", lambda *_, **__: made)
    monkeypatch.setattr(archive, "figures", lambda _: drawn)
