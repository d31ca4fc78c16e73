"""A study as IOHprofiler data, read by iohinspector and IOHanalyzer.

The format of IOHexperimenter: a JSON file for each algorithm and function, which names
a table of evaluations separated by blanks, each run begun by evaluation 1.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

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

VERSION: Final = "0.3.5"
ATTRIBUTES: Final = ("measured", "incumbent", "minutes", "unpleasant_events", *AXES)
INFO: Final = "simulated visits of ccmlab; raw_y is the true window gain, percent"


def write_ioh(tables: StudyTables, folder: Path) -> Path:
    """Write a study as IOHprofiler data, one folder for each contender.

    The family of responses, plan and budget are the function, the patient is the
    instance. It is to be maximized: `raw_y` is the true, noise-free window gain of the
    tested settings in percent; what was measured is an attribute. Raises ValueError
    when `folder` is not new or empty.
    """
    fresh_folder(folder)
    rows_of = rows_by_key(tables.evaluations)
    for contender in contenders(tables):
        own = folder / slug(contender)
        own.mkdir()
        for function in functions(tables):
            played = list(runs(tables, rows_of, contender, function))
            if played:
                _write(own, function, contender, played, str(tables.study["title"]))
    return folder


def _write(
    folder: Path,
    function: Function,
    contender: str,
    played: list[Trajectory],
    suite: str,
) -> None:
    data = f"data_f{function.number}_{function.name}"
    path = f"{data}/IOHprofiler_f{function.number}_DIM{len(AXES)}.dat"
    (folder / data).mkdir()
    (folder / path).write_text("".join(_lines(played)), encoding="ascii")
    about = {
        "version": VERSION,
        "suite": suite,
        "function_id": function.number,
        "function_name": function.name,
        "maximization": True,
        "algorithm": {"name": contender, "info": INFO},
        "attributes": ["evaluations", "raw_y", *ATTRIBUTES],
        "scenarios": [
            {"dimension": len(AXES), "path": path, "runs": [_about(r) for r in played]}
        ],
    }
    name = f"IOHprofiler_f{function.number}_{function.name}.json"
    text = json.dumps(about, indent=1, ensure_ascii=False)
    (folder / name).write_text(text, encoding="utf-8")


def _lines(played: list[Trajectory]) -> Iterator[str]:
    yield " ".join(("evaluations", "raw_y", *ATTRIBUTES)) + "\n"
    for run in played:
        table = np.column_stack(
            (
                run.true_gain_pct,
                run.measured_pct,
                run.incumbent_gain_pct,
                run.minutes,
                run.unpleasant_events,
                run.settings,
            )
        )
        for number, row in enumerate(table, start=1):
            yield f"{number} " + " ".join(f"{value:.10f}" for value in row) + "\n"


def _about(run: Trajectory) -> dict[str, Any]:
    best = int(np.argmax(run.true_gain_pct))
    return {
        "instance": run.instance,
        "evals": run.n_evaluations,
        "best": {
            "evals": best + 1,
            "y": float(run.true_gain_pct[best]),
            "x": run.settings[best].tolist(),
        },
    }
