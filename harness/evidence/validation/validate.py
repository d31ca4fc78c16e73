"""What `ccmlab validate` does: run, compare with before, write."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.common.files import replace_file
from harness.evidence.validation.page import page
from harness.evidence.validation.printing import csv_text, markdown, summary, text
from harness.evidence.validation.table import Row, fallen, json_text, run, statuses

PUBLISHED: Final = Path("results") / "published"
PAGE: Final = Path("docs") / "validation.md"
README: Final = Path("README.md")
BEGIN: Final = "<!-- validation: begin, written by ccmlab validate --publish -->"
END: Final = "<!-- validation: end -->"
CHECKOUT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a validation has to say, and which rows fell out of what they kept to.

    `compared_with` is the file of earlier results, None where there is none.
    """

    text: str
    fallen: tuple[str, ...]
    compared_with: Path | None


def validate(
    *,
    json_file: Path | None = None,
    publish_into: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run every virtual experiment, write what was asked for, compare with before.

    Parameters
    ----------
    json_file
        Where to write every row.
    publish_into
        Folder of a checkout, whose page, published table and counts in the README
        are written again.
    say
        Takes lines of progress.
    """
    before = _published(CHECKOUT)
    earlier = statuses(before) if before else {}
    rows = run(lambda index, n, name: say(f"[{index + 1}/{n}] {name}"))
    if json_file is not None:
        replace_file(json_file, json_text(rows).encode())
    if publish_into is not None:
        _publish(rows, publish_into)
    return Outcome(text(rows), tuple(fallen(rows, earlier)), before)


def _published(root: Path) -> Path | None:
    path = root / PUBLISHED / "validation.json"
    return path if path.is_file() else None


def _publish(rows: tuple[Row, ...], root: Path) -> None:
    folder = root / PUBLISHED
    for name, content in (
        ("validation.json", json_text(rows)),
        ("validation.csv", csv_text(rows)),
        ("validation.md", markdown(rows)),
    ):
        replace_file(folder / name, content.encode())
    replace_file(root / PAGE, page(rows).encode())
    readme = root / README
    if readme.is_file():
        replace_file(readme, _with_counts(readme.read_text("utf-8"), rows).encode())


def _with_counts(readme: str, rows: tuple[Row, ...]) -> str:
    """Return the README with the counts of today between their two markers."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{README} has no lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{summary(rows)}\n{END}{tail}"
