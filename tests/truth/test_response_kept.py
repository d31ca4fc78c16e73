"""What hearts showed is kept on disk: never another's, never of other sources."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.study.play_study import run_study
from harness.task.lattice import Lattice
from harness.truth import response
from harness.truth.landscape import Landscape, landscape
from harness.truth.response import Asked, NodeGains
from sim.device.settings import Settings, with_dependents
from sim.heart.kept import user_caches
from sim.patient import Patient, phenotype
from sim.visit.plan import VisitPlan

FOUND = with_dependents(Settings(amplitude_v=4.5, delay_ms=20.0))
STUDY = """
title = "Two patients"
seed = 5
engine = "table"
contenders = ["stay"]
budgets_min = [10]
post_replication_pairs = 0
patients = ["hfref-ischaemic", "hfref-af"]
[visit]
verification_pairs = 2
observation_min = 1
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kernels = str(user_caches()[0])
    monkeypatch.setenv("NUMBA_CACHE_DIR", kernels)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ccmlab" / "responses"


@pytest.fixture
def played(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many hearts were played, call by call."""
    numbers: list[int] = []
    play = response.played_at_nodes

    def counted(asked: Sequence[Asked], plan: VisitPlan) -> list[NodeGains]:
        numbers.append(len(asked))
        return play(asked, plan)

    monkeypatch.setattr(response, "played_at_nodes", counted)
    return numbers


def truth(
    patient: Patient | None = None,
    found: Settings = FOUND,
    plan: VisitPlan | None = None,
) -> Landscape:
    space = Lattice(("amplitude_v", "delay_ms")).around(found).space
    return landscape(patient or phenotype("hfref-ischaemic"), found, space, plan=plan)


def same(one: Landscape, other: Landscape) -> bool:
    names = ("window_gain_pct", "settled_gain_pct", "utility_pct", "sensation")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def files(shelf: Path) -> list[Path]:
    return sorted(path for path in shelf.rglob("*") if path.is_file())


def test_a_landscape_that_was_made_is_read_bit_by_bit(
    shelf: Path, played: list[int]
) -> None:
    made, read = truth(), truth()
    assert played == [1]
    assert same(made, read)
    assert len(files(shelf)) == 1


def test_whatever_decides_a_landscape_has_one_of_its_own(played: list[int]) -> None:
    truth()
    truth(phenotype("hfref-af"))
    truth(found=replace(FOUND, amplitude_v=6.0))
    truth(plan=VisitPlan(verification_pairs=4))
    truth(plan=VisitPlan(readout="invasive-dpdt"))
    assert played == [1] * 5
    # what changes no beat that is read changes nothing
    truth(plan=VisitPlan(titration_min=60.0))
    assert played == [1] * 5


def test_other_sources_never_read_what_these_made(
    played: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth()
    monkeypatch.setattr(response, "made_by", lambda *places: "others")
    truth()
    assert played == [1, 1]


def test_sources_that_changed_meanwhile_keep_nothing(
    shelf: Path, played: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "made_by", lambda *places: None)
    truth()
    truth()
    assert played == [1, 1]
    assert files(shelf) == []


@pytest.mark.parametrize(
    "spoil", [lambda content: content[:-7], lambda content: content[::-1]]
)
def test_a_damaged_one_is_made_again(
    shelf: Path, played: list[int], spoil: Callable[[bytes], bytes]
) -> None:
    made = truth()
    [file] = files(shelf)
    sound = file.read_bytes()
    file.write_bytes(spoil(sound))
    assert same(truth(), made)
    assert played == [1, 1]
    assert file.read_bytes() == sound


@pytest.mark.slow
def test_a_study_of_the_same_patients_plays_none_of_their_hearts_again(
    shelf: Path, tmp_path: Path
) -> None:
    study = tmp_path / "two.toml"
    study.write_text(STUDY, encoding="utf-8")
    first = run_study(study, tmp_path / "first", jobs=1, quiet=True)
    made = {path: path.stat().st_mtime_ns for path in files(shelf)}
    again = run_study(study, tmp_path / "again", jobs=1, quiet=True)
    # who plays a heart keeps it: nobody did
    assert {path: path.stat().st_mtime_ns for path in files(shelf)} == made
    assert len(made) >= 2
    visits = [
        (result.folder / "visits.parquet").read_bytes() for result in (first, again)
    ]
    assert visits[0] == visits[1]
