"""A copy of a stored run for students: report, readings and strips, nothing true.

What nobody in the visit knew is left out, and with it what would play the visit again:
patient, law, title, seed, beats, sources. The teacher's folder keeps all of it.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.archive.run_folder import (
    READINGS,
    RUN_FILE,
    StoredRun,
    about_hand_out,
    prepare,
    read_run,
)
from harness.archive.strips import NAME as STRIPS
from harness.archive.strips_told import leave_pressures_out
from harness.common.files import (
    BrokenRunError,
    OutputError,
    cannot_write,
    file_hash,
    names_in,
    whole_folder,
    write_file,
    write_json,
)
from harness.report.contents import Report
from harness.report.figures.gallery import figures
from harness.report.formats import renderings
from harness.report.hand_out import TellsAllError, hand_out_of
from harness.report.parts import fact_text
from harness.report.sections.visit import PSEUDONYM

FOLDER: Final = "hand-out-{}"
"""Named by the pseudonym: the name of a run's folder tells scenario and seed."""


def copy_hand_out(
    run_dir: str | Path,
    formats: Sequence[str],
    out_dir: str | Path | None = None,
    *,
    force: bool = False,
) -> Path:
    """Write the hand-out of a stored run and return its folder.

    Parameters
    ----------
    run_dir
        The folder of the run, which stays as it is.
    formats
        What is rendered, beside `report.json`.
    out_dir
        A folder beside the run's, named by the pseudonym, by default.
    force
        Replace a run or hand-out that is there.

    Raises BrokenRunError and OutputError, as `read_run` and `prepare` do.
    """
    stored = read_run(run_dir)
    report = _told(run_dir, stored.report)
    pseudonym = fact_text(report.encounter.facts, PSEUDONYM)
    asked = out_dir or stored.folder.parent / FOLDER.format(pseudonym)
    target = prepare(asked, force=force)
    if target == stored.folder:
        raise OutputError(f"a hand-out needs a folder of its own, got {asked}")
    try:
        with whole_folder(target) as folder:
            _fill(folder, stored, report, formats)
    except OSError as error:
        raise OutputError(cannot_write(asked, error)) from None
    return target


def _told(run_dir: str | Path, report: Report) -> Report:
    try:
        return hand_out_of(report)
    except TellsAllError as error:
        raise BrokenRunError(
            f"{run_dir} gives no hand-out: {error}; play its scenario again"
        ) from None


def _fill(
    folder: Path, stored: StoredRun, report: Report, formats: Sequence[str]
) -> None:
    drawn = figures(report)
    for name, content in renderings(report, ["json", *formats], drawn=drawn).items():
        write_file(folder / name, content)
    for name, figure in drawn.items():
        write_file(folder / f"figures/{name}.svg", figure.svg)
    for name in _kept(stored.about["files"]):
        shutil.copyfile(stored.folder / name, folder / name)
    leave_pressures_out(folder, STRIPS)
    hashes = {name: file_hash(folder / name) for name in names_in(folder)}
    write_json(folder / RUN_FILE, _about(stored.about, hashes))


def _kept(names: Iterable[str]) -> list[str]:
    return [n for n in names if n in READINGS or n.startswith(STRIPS)]


def _about(about: Mapping[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    return about_hand_out({**about, "files": dict(sorted(hashes.items()))})
