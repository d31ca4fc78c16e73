"""`ccmlab landscape`: make a landscape, write its tables, figures and page."""

from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from harness.common.csv import Row, csv_bytes
from harness.common.faults import Fault, ScenarioError, faults_of, no_such
from harness.common.files import check_free, replace_file
from harness.common.parquet import write_parquet
from harness.evidence.landscape.figures import (
    TruthFigure,
    suite_figures,
    survey_figures,
)
from harness.evidence.landscape.pages import TruthPage, html, suite_page, survey_page
from harness.evidence.landscape.suite import Progress, suite
from harness.evidence.landscape.survey import survey
from harness.play.scenario import (
    load_scenario,
    scenario_name,
    shipped_scenarios,
)
from harness.play.shipped import is_path, read_text, read_toml
from harness.play.tables import SearchTable
from harness.study.plan import Study, load_study, shipped_studies

PAGE: Final = "landscape.html"
FIGURES: Final = "figures"
Tables = Mapping[str, list[Row]]


def tell_landscape(
    path_or_name: str,
    out: Path | None = None,
    *,
    axes: tuple[str, ...] = (),
    n_people: int,
    force: bool,
    progress: Progress,
) -> str:
    """Make the landscape of a scenario or study, write it, return what to tell.

    Parameters
    ----------
    path_or_name
        A scenario or study: a path, or the name of a shipped one.
    out
        Folder; `results/landscape-NAME` by default.
    axes
        Searched instead of the file's own.
    n_people
        Patients of each law, for a study.
    force
        Replace a landscape that is there.

    Raises
    ------
    ScenarioError
        When there is no such file, or it cannot be used.
    OutputError
        When a file is there already, or cannot be written.
    """
    name = scenario_name(path_or_name)
    folder = out if out is not None else Path("results") / f"landscape-{name}"
    check_free(folder / PAGE, force=force)
    if is_study(path_or_name):
        study = load_study(path_or_name)
        if axes:
            study = _searching(study, axes, path_or_name)
        made = suite(study, n_people, origin=path_or_name, progress=progress)
        tables = {"laws": list(made.rows()), "patients": list(made.patient_rows())}
        return _written(folder, tables, suite_page(made), suite_figures(made))
    progress("playing the patient's response")
    one = survey(load_scenario(path_or_name), axes)
    return _written(
        folder, {"settings": list(one.rows())}, survey_page(one), survey_figures(one)
    )


def _searching(study: Study, axes: tuple[str, ...], origin: str) -> Study:
    """Return a study that searches other axes; ScenarioError where one is none."""
    try:
        axes = SearchTable.model_validate({"axes": axes}).axes
    except ValidationError as error:
        raise ScenarioError(origin, faults_of(error, SearchTable)) from None
    search = study.search.model_copy(update={"axes": axes})
    return study.model_copy(update={"search": search})


def is_study(path_or_name: str) -> bool:
    """Return whether a path or name is a study's; ScenarioError where there is none."""
    if is_path(path_or_name):
        told = read_toml(read_text(Path(path_or_name), path_or_name), path_or_name)
        return "contenders" in told
    scenarios, studies = shipped_scenarios(), shipped_studies()
    known: dict[str, Traversable] = {**scenarios, **studies}
    if path_or_name not in known:
        raise ScenarioError("landscape", [Fault("", no_such(path_or_name, known))])
    return path_or_name not in scenarios


def _written(
    folder: Path, tables: Tables, page: TruthPage, drawn: tuple[TruthFigure, ...]
) -> str:
    for name, rows in tables.items():
        replace_file(folder / f"{name}.csv", csv_bytes(rows))
        write_parquet(rows, folder / f"{name}.parquet")
    for figure in drawn:
        replace_file(folder / FIGURES / f"{figure.name}.svg", figure.svg)
    replace_file(folder / PAGE, html(page, drawn).encode())
    where = [f"table    {folder / name}.csv" for name in tables]
    return "\n".join([page.text, "", *where, f"page     {folder / PAGE}"])
