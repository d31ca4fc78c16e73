"""What `ccmlab export` does: a stored study in the format of another tool."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.common.csv import csv_bytes
from harness.common.files import OutputError
from harness.study.exports.coco import write_coco
from harness.study.exports.ioh import write_ioh
from harness.study.exports.runs import fresh_folder
from harness.study.tables import Columns, StudyTables, read_study

Writer = Callable[[StudyTables, Path], Path]


def write_csv(tables: StudyTables, folder: Path) -> Path:
    """Write every table of a study as CSV; a number that is missing is left empty."""
    fresh_folder(folder)
    for name in ("visits", "evaluations", "timings"):
        (folder / f"{name}.csv").write_bytes(_csv(getattr(tables, name)))
    return folder


def _csv(columns: Columns) -> bytes:
    names = list(columns)
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return csv_bytes(dict(zip(names, row, strict=True)) for row in values)


WRITERS: Final[Mapping[str, Writer]] = MappingProxyType(
    {"ioh": write_ioh, "coco": write_coco, "csv": write_csv}
)


def export_study(study_dir: str | Path, format_name: str, out: Path | None) -> str:
    """Write a study in another format and return what to tell.

    Raises BrokenRunError for a folder that is no study, OutputError for a place that
    cannot be written.
    """
    tables = read_study(study_dir)
    folder = out or Path(study_dir) / f"export-{format_name}"
    try:
        WRITERS[format_name](tables, folder)
    except (OSError, ValueError) as error:
        raise OutputError(str(error)) from None
    return f"{format_name:8}{folder}"
