"""What a distribution of somebody else adds is used by its name; nothing changes here.

The toys are installed as pip would: a module and its entry points on the path.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from harness import load_scenario, report_of, run_scenario, truth_of
from harness.catalogue import listing
from harness.play.run import Run
from harness.play.scenario import ScenarioError
from harness.report.html import render_html
from optimizers import registry
from optimizers.conformance import check_strategy
from sim.heart.beating import settled
from sim.patient import phenotypes

PHENOTYPE: Final = "small-heart"
STRATEGY: Final = "coarse-steps"
MODULE: Final = f'''
from dataclasses import replace

from sim.patient.phenotypes import PHENOTYPES, Phenotype
from sim.patient.solve import Targets

SMALL = Phenotype(
    "a heart of 150 mL",
    Targets(32.0, 150.0, 112.0, 72.0),
    replace(
        PHENOTYPES["hfref-ischaemic"].patient,
        name="{PHENOTYPE}",
        phenotype="{PHENOTYPE}",
    ),
)

def coarse(problem, rng):
    """Try every second value of the first axis until one is felt."""
    axis = problem.space.axes[0]
    for value in axis.values[::2]:
        seen = yield problem.point(**{{axis.name: value}})
        if not seen.tolerated:
            break
'''
ENTRY_POINTS: Final = f"""
[ccmlab.phenotypes]
{PHENOTYPE} = somebodys_toys:SMALL
[ccmlab.strategies]
{STRATEGY} = somebodys_toys:coarse
"""


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install a module with a phenotype and a strategy, and take it away again."""
    site: Path = tmp_path_factory.mktemp("site")
    (site / "somebodys_toys.py").write_text(MODULE, encoding="utf-8")
    about = site / "somebodys_toys-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: somebodys-toys\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield
    sys.modules.pop("somebodys_toys", None)
    phenotypes._plugged_in.cache_clear()


@pytest.fixture(scope="module")
def run(installed: None) -> Run:
    toys = {"patient": {"phenotype": PHENOTYPE}, "search.strategy": STRATEGY}
    short = {"visit.verification_pairs": 2, "search.on_finish": "stop"}
    return run_scenario(load_scenario("first_visit").changed(toys | short))


def test_the_visit_is_played_on_its_patient_by_its_strategy(run: Run) -> None:
    assert run.record.patient.phenotype == PHENOTYPE
    beat = settled(run.record.patient.heart).haemodynamics
    # the solver refuses more than 1e-4 relative
    assert beat.edv_ml == pytest.approx(150.0, rel=2e-4)
    asked = [tested.asked.amplitude_v for tested in run.record.tested]
    assert asked == [5.5, 6.5, 7.5]  # 4.5 V is the reference, which is known


def test_the_report_names_both(run: Run) -> None:
    page = render_html(report_of(run, truth_of(run.played)))
    assert PHENOTYPE in page
    assert STRATEGY in page


def test_the_lists_show_both_with_their_titles(run: Run) -> None:
    assert "a heart of 150 mL" in listing("phenotypes")
    assert "Try every second value of the first axis" in listing("strategies")


def test_the_strategy_passes_the_conformance_kit() -> None:
    run = registry.load_strategy(STRATEGY)
    assert [finding for finding in check_strategy(run) if not finding.passed] == []


def test_a_misspelt_name_offers_them() -> None:
    scenario = load_scenario("first_visit")
    with pytest.raises(ScenarioError, match=PHENOTYPE):
        scenario.changed({"patient": {"phenotype": "smal-heart"}})
    with pytest.raises(ScenarioError, match=STRATEGY):
        scenario.changed({"search.strategy": "coarse-step"})
