"""A copy of a stored run for students: report, readings, strips, stream, nothing true.

What nobody in the visit knew is left out, and with it what would play the visit again:
patient, law, title, seed, beats, sources. The teacher's folder keeps all of it, and
notes the pseudonym of the copy, which is drawn anew: that of the run follows from its
seed.
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
    note_hand_out,
    prepare,
    read_run,
)
from harness.archive.strips import NAME as STRIPS
from harness.archive.strips_told import make_told
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
from harness.report.hand_out import (
    TellsAllError,
    fresh_code,
    hand_out_of,
    pseudonym_of,
)

FOLDER: Final = "hand-out-{}"
"""Named by its pseudonym: the name of a run's folder tells scenario and seed."""


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
        The folder of the run, in which only the hand-out's pseudonym is noted.
    formats
        What is rendered, beside `report.json`.
    out_dir
        A folder beside the run's, named by the hand-out's pseudonym, by default.
    force
        Replace a run or hand-out that is there.

    Raises BrokenRunError and OutputError, as `read_run` and `prepare` do.
    """
    stored = read_run(run_dir)
    report = _told(run_dir, stored.report)
    pseudonym = pseudonym_of(report)
    asked = out_dir or stored.folder.parent / FOLDER.format(pseudonym)
    target = prepare(asked, force=force)
    if target == stored.folder:
        raise OutputError(f"a hand-out needs a folder of its own, got {asked}")
    try:
        with whole_folder(target) as folder:
            _fill(folder, stored, report, formats)
    except OSError as error:
        raise OutputError(cannot_write(asked, error)) from None
    if stored.report.answer_key is not None:
        note_hand_out(stored.folder, pseudonym)
    return target


def _told(run_dir: str | Path, report: Report) -> Report:
    try:
        return hand_out_of(report, fresh_code())
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
    make_told(folder, STRIPS, pseudonym_of(stored.report), pseudonym_of(report))
    hashes = {name: file_hash(folder / name) for name in names_in(folder)}
    write_json(folder / RUN_FILE, _about(stored.about, hashes))


def _kept(names: Iterable[str]) -> list[str]:
    return [n for n in names if n in READINGS or n.startswith(STRIPS)]


def _about(about: Mapping[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    return about_hand_out({**about, "files": dict(sorted(hashes.items()))})
