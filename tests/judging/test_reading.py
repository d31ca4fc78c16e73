"""Study folders as they are read."""

from collections.abc import Callable
from math import isnan
from pathlib import Path

import pytest

from harness.common.files import BrokenRunError
from harness.study.judging.reading import StoredStudy, read_studies
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]


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
