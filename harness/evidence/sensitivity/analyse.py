"""`ccmlab sensitivity`: study a scenario, write table, data and figure."""

from pathlib import Path

from harness.common.files import check_free, replace_file
from harness.evidence.sensitivity.study import sensitivity
from harness.evidence.sensitivity.tell import csv_table, figure, json_text, text
from harness.evidence.sensitivity.what_if import Progress
from harness.play.scenario import load_scenario, scenario_name

FILES = ("sensitivity.csv", "sensitivity.json", "sensitivity.svg")


def study_scenario(
    scenario: str | Path,
    out: str | Path | None = None,
    *,
    n_samples: int,
    force: bool,
    progress: Progress,
) -> str:
    """Study a scenario, write `FILES` into a folder, and return what to tell.

    Raises
    ------
    ScenarioError
        When the scenario cannot be used.
    OutputError
        When a file is there already, or cannot be written.
    """
    loaded, name = load_scenario(scenario), scenario_name(scenario)
    folder = Path(out) if out is not None else Path("results") / f"sensitivity-{name}"
    targets = [folder / file for file in FILES]
    for target in targets:
        check_free(target, force=force)
    study = sensitivity(
        loaded, scenario_name=name, n_samples=n_samples, progress=progress
    )
    contents = (csv_table(study), json_text(study), figure(study))
    for target, content in zip(targets, contents, strict=True):
        replace_file(target, content)
    paths = "\n".join(f"written  {target}" for target in targets)
    return f"{text(study)}\n\n{paths}"
