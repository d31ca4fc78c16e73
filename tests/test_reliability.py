"""The table of faults: every kind has its tests, its row and a count of its own."""

from pathlib import Path

import pytest

from bench.reliability import BEGIN, END, HEAD, KINDS, PAGE, Count, _count, with_rows

ROOT = Path(__file__).parents[1]
REPORT = b"""<testsuites><testsuite>
<testcase name="one"/>
<testcase name="many"><properties><property name="tried" value="201"/></properties>
</testcase>
<testcase name="harm"><failure/></testcase>
<testcase name="not here"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("name", KINDS)
def test_the_tests_of_each_kind_are_there(name: str) -> None:
    assert all((ROOT / file).is_file() for file in KINDS[name].tests)


def test_no_fault_on_the_page_did_harm_and_each_row_says_what_is_done_today() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    table = page.partition(BEGIN)[2].partition(END)[0].removeprefix(f"\n{HEAD}")
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    names = [row[1] for row in rows]
    assert names == [name for name in KINDS if name in names]
    assert [row[2] for row in rows] == [KINDS[name].told for name in names]
    assert [row[3] for row in rows] == [row[4] for row in rows]


def test_a_test_is_one_fault_unless_it_tells_how_many() -> None:
    assert _count(REPORT) == Count(tried=203, survived=202)


def test_a_row_is_written_again_in_its_place_and_the_others_stay() -> None:
    disk, device = "| disk | x | 1 | 1 | y |\n", "| device | x | 2 | 2 | y |\n"
    page = with_rows(f"a\n{BEGIN}\n{END}\nb", {"device": device})
    page = with_rows(page, {"disk": disk})
    assert page == f"a\n{BEGIN}\n{HEAD}{disk}{device}{END}\nb"
    newer = disk.replace("1", "3")
    assert with_rows(page, {"disk": newer}) == page.replace(disk, newer)
