"""A study as COCO data, read by cocopp.

The logger format `bbob-new2`: an index of runs for each function, a table with a line
for each improvement, and one with a line for each evaluation of a given budget.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from harness.study.exports.runs import (
    AXES,
    Function,
    Trajectory,
    contenders,
    fresh_folder,
    functions,
    rows_by_key,
    runs,
    slug,
)
from harness.study.tables import StudyTables

LOGGER: Final = "bbob-new2"
MOST_FUNCTIONS: Final = 24
"""The suite `bbob`, under which cocopp reads single-objective data, has no more."""

SMALLEST: Final = 1e-8
"""The regret that stands for the optimum: the format's precision."""

_HEADER: Final = (
    "% f evaluations | g evaluations | best noise-free fitness - Fopt (0.0e+00) | "
    "measured fitness | best measured fitness | " + " | ".join(AXES) + "\n"
)


def write_coco(tables: StudyTables, folder: Path) -> Path:
    """Write a study as COCO data, one folder for each contender.

    It is to be minimized: the fitness is the regret of the tested settings as a share
    of what lies between CCM off (1) and the best (0). The measured fitness is the
    utility as read with its sign turned, in percent.

    Raises ValueError when `folder` is not new or empty, and for more functions than
    the suite has.
    """
    kinds = functions(tables)
    if len(kinds) > MOST_FUNCTIONS:
        raise ValueError(
            f"COCO's suite has {MOST_FUNCTIONS} functions, the study {len(kinds)} "
            "combinations of family, plan and budget; export a smaller study"
        )
    fresh_folder(folder)
    rows_of = rows_by_key(tables.evaluations)
    for contender in contenders(tables):
        own = folder / slug(contender)
        own.mkdir()
        for function in kinds:
            played = list(runs(tables, rows_of, contender, function))
            if played:
                _write(own, function, slug(contender), played)
    return folder


def _write(
    folder: Path, function: Function, name: str, played: list[Trajectory]
) -> None:
    n, dimension = function.number, len(AXES)
    stem = f"data_f{n}/bbobexp_f{n}_DIM{dimension}"
    (folder / f"data_f{n}").mkdir()
    for ending, only_better in (("dat", True), ("tdat", False)):
        lines = (line for run in played for line in _lines(run, only_better))
        (folder / f"{stem}.{ending}").write_text("".join(lines), encoding="ascii")
    listed = ", ".join(f"{r.instance}:{r.n_evaluations}|{_left(r):.1e}" for r in played)
    head = (
        f"suite = 'bbob', funcId = {n}, DIM = {dimension}, "
        f"Precision = {SMALLEST:.3e}, algId = '{name}', coco_version = '', "
        f"logger = '{LOGGER}', data_format = '{LOGGER}'\n"
    )
    about = f"% ccmlab, simulated visits: {function.name}\n"
    text = f"{head}{about}{stem}.dat, {listed}\n"
    (folder / f"bbobexp_f{n}.info").write_text(text, encoding="ascii")


def _lines(run: Trajectory, only_better: bool) -> Iterator[str]:
    """Yield the header and the evaluations of a run, or only those that improve."""
    yield _HEADER
    best = np.minimum.accumulate(np.maximum(run.regret_frac, SMALLEST))
    read = np.where(np.isfinite(run.measured_pct), -run.measured_pct, np.inf)
    best_read = np.minimum.accumulate(read)
    for row, settings in enumerate(run.settings):
        if only_better and row > 0 and best[row] >= best[row - 1]:
            continue
        values = (best[row], read[row], best_read[row], *settings)
        yield f"{row + 1} 0 " + " ".join(f"{value:+.9e}" for value in values) + "\n"


def _left(run: Trajectory) -> float:
    return max(float(run.regret_frac.min()), SMALLEST)
