"""Study folders as they are judged: several, each with a name of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from harness.common.files import BrokenRunError
from harness.common.words import plain
from harness.study.tables import Columns, StudyTables
from harness.study.tables import read_study as read_tables
from sim.visit.start import GIVEN, STARTS

__all__ = ["BrokenStudyError", "Columns", "StoredStudy", "read_studies", "read_study"]

_ORDER: Final = ("contender", "plan", "budget_min", "patient", "replicate", "key")


class BrokenStudyError(BrokenRunError):
    """A folder is not a study that can be judged."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredStudy:
    """A stored study, or its visits of one start, under the name it has among others.

    Its tables are ordered here, so that the order of the files has no part in any
    result: visits by who and how, evaluations by visit and number.
    """

    name: str
    tables: StudyTables
    visits: Columns
    evaluations: Columns
    timings: Columns


def read_studies(folders: Sequence[str | Path]) -> tuple[StoredStudy, ...]:
    """Read study folders in the order asked; BrokenRunError names what is wrong."""
    places = [Path(folder).resolve() for folder in folders]
    twice = [place for place in dict.fromkeys(places) if places.count(place) > 1]
    if twice:
        raise BrokenStudyError(f"study folder {twice[0]} is named twice")
    names = [place.name for place in places]
    return tuple(
        read_study(
            folder,
            place.name
            if names.count(place.name) == 1
            else f"{place.parent.name}/{place.name}",
        )
        for folder, place in zip(folders, places, strict=True)
    )


def read_study(folder: str | Path, name: str = "") -> StoredStudy:
    """Read one study folder, complete or not."""
    tables = read_tables(folder)
    if not tables.visits["key"].size:
        raise BrokenStudyError(f"study folder {folder} has no visit yet")
    return StoredStudy(
        plain(name or Path(folder).resolve().name),
        tables,
        _ordered(tables.visits, _ORDER),
        _ordered(tables.evaluations, ("key", "number")),
        _ordered(tables.timings, ("key",)),
    )


def starts_of(study: StoredStudy) -> tuple[str, ...]:
    """Return the starts of the visits, the factory's first."""
    found = set(study.visits["start"].tolist())
    known = [name for name in (GIVEN, *STARTS) if name in found]
    return (*known, *sorted(found.difference(known)))


def by_start(study: StoredStudy) -> tuple[StoredStudy, ...]:
    """Return a study as one for each start: nothing is judged over several of them."""
    found = starts_of(study)
    if found == (GIVEN,):
        return (study,)
    return tuple(_of_start(study, start) for start in found)


def _of_start(study: StoredStudy, start: str) -> StoredStudy:
    keep = study.visits["start"] == start
    visits = {name: values[keep] for name, values in study.visits.items()}
    own = np.isin(study.evaluations["key"].astype(str), visits["key"].astype(str))
    evaluations = {name: values[own] for name, values in study.evaluations.items()}
    name = f"{study.name}, start {start}"
    return replace(study, name=name, visits=visits, evaluations=evaluations)


def _ordered(table: Columns, names: Sequence[str]) -> Columns:
    order = np.arange(table[names[0]].size)
    for name in reversed(names):
        order = order[np.argsort(table[name][order], kind="stable")]
    return {name: values[order] for name, values in table.items()}
