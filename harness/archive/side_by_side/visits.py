"""Stored visits as they are read: no simulation, only `report.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.archive.run_folder import RUN_FILE, read_run
from harness.common.files import BrokenRunError, file_hash, read_json
from harness.common.words import plain
from harness.play.provenance import PATIENT
from harness.report.contents import Report
from harness.report.parts import Quantity, SettingRow, fact_text
from harness.report.sections.analysis import NAIVE
from harness.report.sections.method import STRATEGY
from sim.textfiles import UnreadableError


@dataclass(frozen=True, slots=True, eq=False)
class StoredVisit:
    """A stored visit: its number on the page, its folder's name, its report.

    `course` is the folder of the course that it is part of, which stays the same
    patient from visit to visit.
    """

    number: int
    name: str
    report: Report
    course: Path | None = None

    @property
    def strategy(self) -> str:
        """The search strategy as the report names it."""
        return fact_text(self.report.method.facts, STRATEGY)


def read_visits(folders: Sequence[str | Path]) -> tuple[StoredVisit, ...]:
    """Read the visits in the order asked; BrokenRunError names the one that fails."""
    if len(folders) < 2:
        raise BrokenRunError(f"name two run folders or more, got {len(folders)}")
    places = [Path(folder).resolve() for folder in folders]
    names = [place.name for place in places]
    return tuple(
        StoredVisit(
            number,
            plain(
                place.name
                if names.count(place.name) == 1
                else f"{place.parent.name}/{place.name}"
            ),
            read_run(folder).report,
            _course_of(place),
        )
        for number, (folder, place) in enumerate(
            zip(folders, places, strict=True), start=1
        )
    )


def _course_of(place: Path) -> Path | None:
    """Return the course that wrote this very visit, if one did."""
    try:
        about = read_json(place.parent / RUN_FILE)
    except UnreadableError:
        return None
    files = about.get("files") if isinstance(about, dict) else None
    if not isinstance(files, dict) or about.get("kind") != "course":
        return None
    written = files.get(f"{place.name}/report.json")
    return place.parent if written == file_hash(place / "report.json") else None


def naive_claim(report: Report) -> Quantity:
    """Return what the best single reading would have claimed."""
    for item in report.analysis.facts:
        if item.label == NAIVE and isinstance(item.value, Quantity):
            return item.value
    return Quantity(value=None)


def hidden_numbers(report: Report) -> dict[str, str]:
    """Return each number of the patient that no clinic knows; a hand-out tells none."""
    rows = report.numbers.rows
    return {row.name: row.value for row in rows if row.part == PATIENT}


def moved_hidden(reports: Sequence[Report]) -> list[str]:
    """Return the hidden numbers that are not the same in all reports that tell them."""
    told = [numbers for report in reports if (numbers := hidden_numbers(report))]
    return moved_names(told)


def moved_names(stated: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the names under which not all say the same."""
    told = list(stated)
    names = dict.fromkeys(name for of_one in told for name in of_one)
    return [name for name in names if len({one.get(name) for one in told}) > 1]


def setting_rows(report: Report) -> dict[str, SettingRow]:
    """Return every programmable value by its symbol."""
    return {r.symbol: r for r in (*report.permanent.main, *report.permanent.others)}
