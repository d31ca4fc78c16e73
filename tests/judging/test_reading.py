"""Study folders as they are read."""

from collections.abc import Callable
from math import isnan
from pathlib import Path

import pytest

from harness.common.files import BrokenRunError
from harness.study.judging.board import judge
from harness.study.judging.files import fragment
from harness.study.judging.reading import (
    BrokenStudyError,
    StoredStudy,
    by_start,
    read_studies,
)
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]


def test_what_was_not_measured_is_read_as_unknown_not_as_zero(
    stored: Callable[..., StoredStudy], visit: Visit
) -> None:
    known = visit(patient=0, information_bits=3.0)
    study = stored([known, visit(patient=1)])
    bits = study.visits["information_bits"]
    assert bits[0] == 3.0
    assert isnan(bits[1])


def test_studies_of_one_name_are_told_apart_by_their_folder(
    write_study: Callable[..., Path], visit: Visit
) -> None:
    folders = []
    for parent in ("first", "second"):
        folder = write_study([visit()], name=f"{parent}-made")
        target = folder.parent / parent / "study"
        target.parent.mkdir()
        folders.append(folder.rename(target))
    names = [study.name for study in read_studies(folders)]
    assert names == ["first/study", "second/study"]


def test_a_study_named_twice_is_refused(
    write_study: Callable[..., Path], visit: Visit
) -> None:
    folder = write_study([visit()])
    with pytest.raises(BrokenRunError, match="named twice"):
        read_studies([folder, folder])


def test_a_study_without_visits_is_refused(write_study: Callable[..., Path]) -> None:
    with pytest.raises(BrokenRunError, match="no visit yet"):
        read_studies([write_study([])])


def test_a_folder_without_tables_is_refused(
    write_study: Callable[..., Path], visit: Visit
) -> None:
    folder = write_study([visit()])
    (folder / "visits.parquet").unlink()
    with pytest.raises(BrokenRunError, match=r"visits\.parquet"):
        read_studies([folder])


def test_each_start_of_a_study_is_judged_alone(stored: Stored, visit: Visit) -> None:
    """The factory leaves 1 point to win, what is turned down 4: regrets stay apart."""
    rows = [
        visit(
            key=f"{start}{patient}",
            patient=patient,
            start=start,
            attainable_gain_pct=best,
            candidate_gain_pct=0.0,
        )
        for start, best in (("turned-down", 4.0), ("factory", 1.0))
        for patient in range(5)
    ]
    study = stored(rows)
    with pytest.raises(BrokenStudyError, match="factory, turned-down: judge each"):
        judge(study)
    factory, down = (judge(part) for part in by_start(study))
    assert (factory.start, down.start) == ("factory", "turned-down")
    assert factory.study.name == "study, start factory"
    # 1 of 5 and 4 of 8 points, off being at -4
    assert factory.lines[0]["regret_median_pct"].value == pytest.approx(20.0)
    assert down.lines[0]["regret_median_pct"].value == pytest.approx(50.0)
    assert {line.start for line in factory.lines} == {"factory"}
    text = fragment([factory, down])
    assert text.index("Device found at start factory") < text.index("turned-down")
    assert "10 visits of virtual patients" in text


def test_a_study_whose_settings_are_given_is_judged_as_one(
    stored: Stored, visit: Visit
) -> None:
    study = stored([visit(patient=patient) for patient in range(3)])
    assert by_start(study) == (study,)
