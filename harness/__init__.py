"""The harness joins the two: scenarios, runs, reports, studies and commands.

What a script needs is importable from here and loaded when it is first asked for.
Modules inside import each other, never this face. A name keeps its meaning here; where
it lives may change.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.archive.run_folder import read_run as stored_run  # noqa: F401
    from harness.archive.side_by_side.page import compared as side_by_side  # noqa: F401
    from harness.common.counting import Bar as Bar
    from harness.common.progress import Progress as Progress
    from harness.course.kept import read as read
    from harness.course.kept import write as write
    from harness.course.play import run_course as run_course
    from harness.play.environment import VisitEnvironment as VisitEnvironment
    from harness.play.run import run_scenario as run_scenario
    from harness.play.scenario import load_scenario as load_scenario
    from harness.report.build import report_of as report_of
    from harness.study.ahead.plan import plan as plan
    from harness.study.judging.leaderboard import leaderboard as leaderboard
    from harness.study.play_study import run_study as run_study
    from harness.study.sweep import sweep as sweep
    from harness.truth.answer_key import truth_of as truth_of
    from harness.truth.landscape import landscape as landscape


def _check_neighbours() -> None:
    """Raise ImportError where somebody's own file hides a package of ours."""
    ours = Path(__file__).resolve().parents[1]
    for name in ("sim", "optimizers", "scenarios"):
        spec = find_spec(name)
        place = spec.origin if spec is not None else None
        if place and Path(place).resolve() != ours / name / "__init__.py":
            raise ImportError(
                f"{place} hides the package {name} of ccmlab, which is in {ours}: "
                f"rename your own {name}, or run from another folder"
            )


_check_neighbours()

# Each name with the module it is in, and the name that it has there if another.
HOMES = {
    "Bar": "harness.common.counting",
    "Progress": "harness.common.progress",
    "VisitEnvironment": "harness.play.environment",
    "landscape": "harness.truth.landscape",
    "leaderboard": "harness.study.judging.leaderboard",
    "load_scenario": "harness.play.scenario",
    "plan": "harness.study.ahead.plan",
    "read": "harness.course.kept",
    "report_of": "harness.report.build",
    "run_course": "harness.course.play",
    "run_scenario": "harness.play.run",
    "run_study": "harness.study.play_study",
    "stored_run": "harness.archive.run_folder:read_run",
    "side_by_side": "harness.archive.side_by_side.page:compared",
    "sweep": "harness.study.sweep",
    "truth_of": "harness.truth.answer_key",
    "write": "harness.course.kept",
}
__all__ = list(HOMES)


if not TYPE_CHECKING:  # else every name would pass the type checker

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = HOMES[name].partition(":")
        found = getattr(import_module(module), attribute or name)
        globals()[name] = found  # asked for once
        return found


def __dir__() -> list[str]:
    return sorted(globals().keys() | HOMES.keys())
