"""The table of findings: every row once, with its status, and what has changed."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from harness.evidence.validation.experiments import (
    acute,
    baseline,
    chronic,
    device,
    ectopy,
    enrolled,
    noise,
    optima,
    oxygen,
    timing,
)
from harness.evidence.validation.fitted import KINDS, Kind, kind_of, why_kind
from harness.evidence.validation.people import SEED
from harness.evidence.validation.rules import Finding
from harness.evidence.validation.targets import Target, targets
from harness.evidence.validation.unmodelled import REASONS

Status = Literal["inside", "outside", "not modelled"]
Progress = Callable[[int, int, str], None]
STATUSES: Final[tuple[Status, ...]] = ("inside", "outside", "not modelled")
SCHEMA_VERSION: Final = 2
_DIGITS: Final = 5

EXPERIMENTS: Final[Mapping[str, Callable[[], Finding]]] = {
    **baseline.EXPERIMENTS,
    **acute.EXPERIMENTS,
    **timing.EXPERIMENTS,
    **oxygen.EXPERIMENTS,
    **device.EXPERIMENTS,
    **ectopy.EXPERIMENTS,
    **noise.EXPERIMENTS,
    **optima.EXPERIMENTS,
    **chronic.EXPERIMENTS,
    **enrolled.EXPERIMENTS,
}
"""Every virtual experiment, by the row that it mirrors."""

CHECKS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("HFrEF baseline looks like HFrEF", ("M02", "C07")),
    ("normal baseline, same code", ("M01",)),
    ("acute CCM at nominal dose", ("A16", "A17", "M03", "M04")),
    ("onset and offset in beats", ("A11", "A31")),
    ("direction of each setting", ("A12", "A13", "A15")),
    ("two leads against one, sub-additive", ("X02",)),
    ("weak hearts gain more, by the switch; beta-blockade", ("X03",)),
    ("oxygen use neutral under CCM, raised by an inotrope", ("A23", "A26")),
    ("potentiation after a PVC", ("D08", "D09", "M06")),
    ("noise budget", ("N01", "N02", "N03", "N04", "X01")),
    ("reproducible optimum, by protocol and readout", ("N08", "N12", "N13", "N14")),
    ("delivered trains a day", ("B19", "B20")),
    ("placebo and spread of symptoms", ("B02", "B06")),
    ("remodelling over months", ("B21", "B22", "B23", "B24", "B26")),
    ("rhythm burden", ("E01", "C02")),
)
"""The checks of docs/model.md, section G, and the rows that answer each."""


@dataclass(frozen=True, slots=True)
class Row:
    """One finding with its verdict; `reason` is set where there is no experiment."""

    target: Target
    finding: Finding | None
    reason: str = ""

    @property
    def status(self) -> Status:
        """Inside, outside or not modelled."""
        if self.finding is None:
            return "not modelled"
        return "inside" if self.finding.inside else "outside"

    @property
    def kind(self) -> Kind | Literal[""]:
        """What agreement is worth; nothing where there is no experiment."""
        return "" if self.finding is None else kind_of(self.target.id)


def run(progress: Progress | None = None) -> tuple[Row, ...]:
    """Run every experiment and return every row, in the order of the findings."""
    rows = []
    for index, target in enumerate(targets().values()):
        if progress is not None:
            progress(index, len(targets()), target.id)
        rows.append(row_of(target))
    return tuple(rows)


def row_of(target: Target) -> Row:
    """Run the experiment of one finding, or tell why there is none."""
    if target.id in EXPERIMENTS:
        return Row(target, EXPERIMENTS[target.id]())
    return Row(target, None, REASONS[target.id])


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows have each status."""
    found = dict.fromkeys(STATUSES, 0)
    for row in rows:
        found[row.status] += 1
    return {name: found[name] for name in STATUSES}


def counts_by_kind(rows: Sequence[Row]) -> dict[Kind, tuple[int, int]]:
    """Return how many rows of each kind are inside, and how many there are."""
    found = {}
    for kind in KINDS:
        own = [row for row in rows if row.kind == kind]
        found[kind] = (sum(row.status == "inside" for row in own), len(own))
    return found


def checks(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield each reviewer's check, and the status of the rows that answer it."""
    by_id = {row.target.id: row for row in rows}
    for title, ids in CHECKS:
        yield title, ", ".join(f"{i} {by_id[i].status}" for i in ids)


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """Return everything as plain values, numbers to five digits."""
    return {
        "schema_version": SCHEMA_VERSION,
        "ccmlab": version("ccmlab"),
        "seed": SEED,
        "counts": counts(rows),
        "inside_by_kind": {
            kind: {"inside": inside, "of": n}
            for kind, (inside, n) in counts_by_kind(rows).items()
        },
        "checks": [{"check": title, "rows": text} for title, text in checks(rows)],
        "rows": [_plain(row) for row in rows],
    }


def _plain(row: Row) -> dict[str, Any]:
    finding = row.finding
    parts = finding.parts if finding else ()
    return {
        **asdict(row.target),
        "status": row.status,
        "kind": row.kind,
        "set": why_kind(row.target.id),
        "experiment": finding.how if finding else "",
        "note": finding.note if finding else row.reason,
        "parts": [
            {name: _value(value) for name, value in asdict(part).items()}
            for part in parts
        ],
    }


def _value(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def json_text(rows: Sequence[Row]) -> str:
    """Return the document as JSON text."""
    return json.dumps(document(rows), indent=1, ensure_ascii=False) + "\n"


def statuses(path: Path) -> Mapping[str, str]:
    """Return the status of each row in a JSON file written before."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {row["id"]: row["status"] for row in rows}


def fallen(rows: Sequence[Row], before: Mapping[str, str]) -> list[str]:
    """Return the ids of rows that were inside before and are not now."""
    return [
        row.target.id
        for row in rows
        if before.get(row.target.id) == "inside" and row.status != "inside"
    ]
