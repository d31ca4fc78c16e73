"""Study folders as they are judged: several, each with a name of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from harness.common.files import BrokenRunError
from harness.common.words import plain
from harness.study.judging.published import (
    Named,
    is_published,
    narrowed,
    read_published,
)
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

    @property
    def has_searches(self) -> bool:
        """Whether a test of any search is known."""
        return bool(self.evaluations["key"].size)


def read_studies(folders: Sequence[str | Path]) -> tuple[StoredStudy, ...]:
    """Read folders of studies or of published comparisons, in the order asked.

    Raises
    ------
    BrokenRunError
        When a folder holds neither, or two studies have one name.
    """
    places = [Path(folder).resolve() for folder in folders]
    twice = [place for place in dict.fromkeys(places) if places.count(place) > 1]
    if twice:
        raise BrokenStudyError(f"study folder {twice[0]} is named twice")
    names = [place.name for place in places]
    named = [
        one
        for folder, place in zip(folders, places, strict=True)
        for one in _read(folder, _among(place, names))
    ]
    _told_apart([name for name, _ in named])
    return tuple(stored_study(name, tables) for name, tables in named)


def _among(place: Path, names: Sequence[str]) -> str:
    """Return the name of a study among those of other folders."""
    alone = names.count(place.name) == 1
    return place.name if alone else f"{place.parent.name}/{place.name}"


def _read(folder: str | Path, name: str) -> Iterator[Named]:
    if is_published(folder):
        yield from read_published(folder)
    else:
        yield plain(name), read_tables(folder)


def _told_apart(names: Sequence[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise BrokenStudyError(f"study {twice[0]} is in two of the folders")


def read_study(folder: str | Path, name: str = "") -> StoredStudy:
    """Read one study folder, complete or not."""
    return stored_study(plain(name or Path(folder).resolve().name), read_tables(folder))


def stored_study(name: str, tables: StudyTables) -> StoredStudy:
    """Return a study as it is judged, under a name."""
    tables = narrowed(tables)
    if not tables.visits["key"].size:
        raise BrokenStudyError(f"study folder {tables.folder} has no visit yet")
    return StoredStudy(
        name,
        tables,
        _ordered(tables.visits, _ORDER),
        _ordered(tables.evaluations, ("key", "number")),
        _ordered(tables.timings, ("key",)),
    )


def without_searches(study: StoredStudy) -> StoredStudy:
    """Return a study that knows its visits, not the tests of their searches."""
    none = {name: values[:0] for name, values in study.evaluations.items()}
    return replace(
        study, tables=replace(study.tables, evaluations=none), evaluations=none
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
