"""A day from its file to its folder: what `ccmlab day` does."""

from collections.abc import Sequence
from pathlib import Path

from harness.day.archive import PAGE, write_days
from harness.day.playing import Say
from harness.day.replicate import play_days
from harness.day.scenario import DayFile, Plan
from harness.day.words import days_text


def run_day(
    file: DayFile,
    others: Sequence[Plan],
    folder: Path,
    *,
    seed: int | None = None,
    n_days: int | None = None,
    force: bool = False,
    say: Say = lambda _: None,
) -> str:
    """Play the days of a file, write their folder, return what is said on stdout.

    Parameters
    ----------
    file, others
        What was read, and which of its plans the day is held against.
    folder
        Where page, tables and figures go.
    seed, n_days
        Replace what the file says.
    force
        Replace a day that is there.
    say
        Told each visit and each plan that is played.
    """
    played = play_days(file, others, seed=seed, n_days=n_days, say=say)
    write_days(played, folder, force=force)
    page, data = f"page    {folder / PAGE}", f"data    {folder}"
    return "\n".join([days_text(played), "", page, data])
