"""The list of sections: each has its place, its files, and no look at the truth."""

from importlib.resources import files
from typing import Any

import pytest

from harness.play.run import Run
from harness.report.case import Case
from harness.report.contents import Report
from harness.report.section import Section, declared, placed

SHOWN = placed(Report)
TEMPLATES = files("harness.report") / "templates" / "sections"


class Closed:
    """A truth that nobody may look at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"looked at {name} of the truth")


@pytest.mark.parametrize("section", SHOWN, ids=lambda section: section.name)
def test_a_section_with_a_title_has_a_page_and_a_print(section: Section) -> None:
    for kind in ("html.j2", "typ"):
        assert (TEMPLATES / f"{section.name}.{kind}").is_file()


def test_no_template_belongs_to_a_section_that_is_gone() -> None:
    names = {path.name.partition(".")[0] for path in TEMPLATES.iterdir()}
    assert names == {section.name for section in SHOWN}


def test_no_two_sections_claim_one_place_or_one_name() -> None:
    assert len({section.order for section in SHOWN}) == len(SHOWN)
    assert len({section.name for section in SHOWN}) == len(SHOWN)


def test_only_the_answer_key_says_that_it_holds_the_truth() -> None:
    assert [s.name for s in SHOWN if s.holds_truth] == ["answer-key"]


def test_every_part_but_the_head_is_built_by_a_section() -> None:
    built = {field for field, section in declared(Report) if section.build}
    assert set(Report.model_fields) - built == {"schema_version", "title", "banner"}


def test_no_section_looks_at_the_truth_but_the_one_that_holds_it(run: Run) -> None:
    case = Case(run, Closed())  # type: ignore[arg-type]
    for _, section in declared(Report):
        if section.build is None:
            continue
        if section.holds_truth:
            with pytest.raises(AssertionError, match="looked at"):
                section.build(case)
        else:
            section.build(case)
