"""Virtual trials: their shape, their table, and what is honestly predicted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.course.trial import (
    FixHf4Population,
    FixHf5cPopulation,
    Published,
    TrialRow,
    fix_hf_4,
    fix_hf_5c,
    follow,
    start_of,
    trial_table,
)
from scenarios import virtual_trial
from sim.patient.chronic import read
from sim.sources import provenance as numbers
from sim.sources import references, unsourced
from sim.streams import stream

N = 60


@pytest.mark.parametrize("population", [FixHf4Population(), FixHf5cPopulation()])
def test_every_number_of_a_population_has_a_source(
    population: FixHf4Population,
) -> None:
    assert unsourced(population) == []
    assert {row.source.reference for row in numbers(population)} <= set(references())


def test_readings_at_entry_have_the_published_spread() -> None:
    n, rng = 20_000, stream(1, name="course")
    seen = read(start_of(FixHf4Population(), n, rng), rng).scores.peak_vo2_ml_per_kg_min
    # four standard errors of a mean and a standard deviation
    assert seen.mean() == pytest.approx(13.85, abs=4 * 2.85 / np.sqrt(n))
    assert seen.std() == pytest.approx(2.85, abs=4 * 2.85 / np.sqrt(2 * n) + 0.03)


def test_sham_alone_moves_the_scores() -> None:
    rng = stream(2, name="course")
    seen = follow(
        FixHf4Population(), 4000, ((3.0, False),), knowledge="blinded", rng=rng
    )
    change = seen[1].scores.mlwhfq_points - seen[0].scores.mlwhfq_points
    assert change.mean() < -6.0
    assert (seen[1].ef_pct - seen[0].ef_pct).mean() == pytest.approx(0.0, abs=0.2)


def test_the_crossover_has_its_shape() -> None:
    means = {row.published.id: row.mean for row in fix_hf_4(N)}
    assert means["B05"] < means["B06"] < -5.0  # sham does much, active a little more
    assert means["B07"] > 0.0 > means["B08"]  # who loses CCM loses, who gets it holds
    assert means["B03"] < means["B04"]


def test_every_row_of_both_trials_that_set_the_law_is_met() -> None:
    every = (*fix_hf_4(400), *fix_hf_5c(400))
    rows = [row for row in every if row.origin != "predicted"]
    assert len(rows) == 16
    assert [row.published.id for row in rows if not row.inside] == []


def test_what_was_not_used_is_called_predicted() -> None:
    found = {row.published.id for row in fix_hf_5c(N) if row.origin == "predicted"}
    assert found == {"B18"}


def test_trials_of_one_design_differ_by_more_than_their_patients() -> None:
    (row,) = (row for row in fix_hf_5c(400) if row.published.id == "B13")
    # 70 patients, 81 % better: chance alone makes 95 % of trials span 18 points
    assert row.high - row.low > 25.0


def test_the_same_seed_gives_the_same_rows() -> None:
    assert fix_hf_4(5, seed=1) == fix_hf_4(5, seed=1)
    assert fix_hf_4(5, seed=1) != fix_hf_4(5, seed=2)


def test_inside_is_judged_by_the_replicates() -> None:
    row = TrialRow(Published("B99", "x", "10", 1.0, 2.0), 0.5, 0.0, 0.9, 2.1)
    assert not row.inside
    assert replace(row, high=1.0).inside
    assert row.origin == "predicted"


def test_the_script_prints_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    virtual_trial.main("5")
    said = capsys.readouterr().out
    for row in (*fix_hf_4(5), *fix_hf_5c(5)):
        assert f"{row.published.id}  {row.published.quantity}" in said
    assert "The law was calibrated" in said


def test_the_script_is_short() -> None:
    text = Path(virtual_trial.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40


def test_a_table_names_its_columns() -> None:
    head = trial_table("title", fix_hf_4(2)).splitlines()[1].split()
    assert head[:4] == ["row", "quantity", "n", "published"]
