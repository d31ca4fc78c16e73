"""`ccmlab lesson-plan`."""

from pathlib import Path
from typing import Final

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import patience, tell
from harness.common.banner import BANNER

PLANS: Final = ("pdf", "gift")


@click.command("lesson-plan", short_help="Print a lesson, or export its questions.")
@click.argument("lesson")
@click.option(
    "--format",
    "form",
    type=click.Choice(PLANS),
    default="pdf",
    help="pdf, one page for the teacher, or gift, the questions for Moodle "
    "(default: pdf)",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="the file (default: results/LESSON.pdf or results/LESSON.gift)",
)
@click.option("--force", is_flag=True, help="replace a file that is there")
@HELP
def lesson_plan(lesson: str, *, form: str, out: Path | None, force: bool) -> int:
    """Print a lesson on one page, or export its questions.

    LESSON is a path ending in .toml or the name of a shipped lesson (ccmlab list
    lessons). The page is for the teacher: it has the answers.
    """
    with one_clear_message(), patience("setting the hand-out", "a few seconds"):
        from harness.clinic.lessons.gift import gift_text
        from harness.clinic.lessons.plan import plan_pdf
        from harness.clinic.lessons.reader import load_lesson
        from harness.common.files import check_free, replace_file

        read = load_lesson(lesson)
        file = out or Path("results") / f"{read.name}.{form}"
        check_free(file, force=force)
        made = plan_pdf(read) if form == "pdf" else gift_text(read).encode()
        replace_file(file, made)
    tell(f"{file}\n{BANNER}")
    return 0
