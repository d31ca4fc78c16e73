"""`ccmlab compare`: read studies, judge them, write page, table and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.common.csv import csv_bytes
from harness.common.files import OutputError, check_free, replace_file
from harness.common.parquet import write_parquet
from harness.study.judging.board import Judged, judge
from harness.study.judging.files import (
    fragment,
    leaderboard_csv,
    leaderboard_rows,
    leaderboard_text,
    replace_fragment,
)
from harness.study.judging.page import page, page_html, sheet_rows
from harness.study.judging.published import VISITS_FILE, files_beside, publish
from harness.study.judging.reading import by_start, read_studies, without_searches
from harness.study.judging.thresholds import Miss, Threshold, misses

PAGE: Final = "compare.html"
TABLE: Final = "leaderboard"
TABLES: Final = "tables"
FIGURES: Final = "figures"


@dataclass(frozen=True, slots=True, eq=False)
class ComparedStudies:
    """What a comparison says, and who misses a threshold."""

    text: str
    missed: tuple[Miss, ...]


def compare(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    baseline: str | None = None,
    thresholds: Sequence[Threshold] = (),
    readme: str | Path | None = None,
    force: bool = False,
    searches: bool = True,
) -> ComparedStudies:
    """Judge stored studies and write what they show; nothing is simulated.

    Parameters
    ----------
    folders
        Folders of studies or of published comparisons, at least one.
    out
        Folder of `compare.html`, `leaderboard.csv`, `leaderboard.parquet`, `tables/`,
        `figures/`, and of the visits behind them (`published`).
    baseline
        Contender that the others are held against; None takes `stay`.
    thresholds
        What contenders must reach.
    readme
        Markdown file whose leaderboard, between two markers, is replaced by that of
        the first study, start by start.
    force
        Replace a page that is there.
    searches
        False judges by the visits alone: what rests on the tests of each search is left
        out, and they are not kept beside the page.

    Raises
    ------
    BrokenRunError
        When a folder is no study, or has no such baseline.
    OutputError
        When something cannot be written or is there already.
    ThresholdError
        When no contender is what a threshold asks for.
    """
    folder = Path(out)
    check_free(folder / PAGE, force=force)
    stored = read_studies(folders)
    if not searches:
        stored = tuple(map(without_searches, stored))
    studies = [by_start(study) for study in stored]
    judged = [judge(part, baseline) for parts in studies for part in parts]
    missed = misses(judged, thresholds)
    first = judged[: len(studies[0])]
    new_readme = _with_leaderboard(Path(readme), first) if readme else b""
    former = files_beside(folder)
    files = _write(judged, folder)
    for name in former - files:
        (folder / name).unlink(missing_ok=True)
    publish([(study.name, study.tables) for study in stored], folder, files)
    if readme:
        replace_file(Path(readme), new_readme)
    named = {"page": PAGE, "table": f"{TABLE}.csv", "tables": TABLES}
    named["figures"] = FIGURES
    named["visits"] = VISITS_FILE
    where = "\n".join(f"{what:<8} {folder / name}" for what, name in named.items())
    return ComparedStudies(f"{leaderboard_text(judged)}\n\n{where}", missed)


def _write(judged: Sequence[Judged], folder: Path) -> frozenset[str]:
    """Write all but the visits; return the files whose names depend on the studies."""
    shown = page(judged)
    files = {f"{FIGURES}/{drawn.name}.svg": drawn.svg for drawn in shown.drawn}
    for name, rows in sheet_rows(shown).items():
        files[f"{TABLES}/{name}.csv"] = csv_bytes(rows)
    for name, content in files.items():
        replace_file(folder / name, content)
    replace_file(folder / f"{TABLE}.csv", leaderboard_csv(judged))
    write_parquet(leaderboard_rows(judged), folder / f"{TABLE}.parquet")
    replace_file(folder / PAGE, page_html(shown).encode())
    return frozenset(files)


def _with_leaderboard(readme: Path, judged: Sequence[Judged]) -> bytes:
    try:
        text = readme.read_text(encoding="utf-8")
        return replace_fragment(text, fragment(judged)).encode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"--readme {readme} cannot be read: {reason}") from None
    except ValueError as error:
        raise OutputError(f"--readme {readme} {error}") from None
