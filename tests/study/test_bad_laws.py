"""Laws that spoil their process stand in a cohort with others, and harm nobody."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.cli import invoke
from harness.study.plan import parse_study
from harness.study.play_study import Where, play_study
from harness.study.tables import read_study

BAD = Path(__file__).parents[1] / "data" / "bad_laws.py"
LIMIT_S = 8
STUDY = """
title = "Laws of somebody's own"
seed = 3
engine = "table"
visit_limit_s = {limit}
contenders = ["stay", "titration"]
[cohort]
n = {n}
families = {{ {families} }}
"""


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Sequence[str], Where], Path]:
    """Return what plays a study whose patients have some laws of the file."""

    def play(names: Sequence[str], where: Where) -> Path:
        folder = tmp_path_factory.mktemp("study") / "out"
        families = ", ".join(f'"{BAD}:{name}" = 1' for name in names)
        text = STUDY.format(limit=LIMIT_S, n=6, families=families)
        study = parse_study(text, "laws.toml")
        play_study(study, folder, where, stderr=None, quiet=True)
        return folder

    return play


def rows(folder: Path) -> list[dict[str, object]]:
    visits = read_study(folder).visits
    return [
        {name: column[i] for name, column in visits.items() if name != "key"}
        for i in range(len(visits["key"]))
    ]


@pytest.mark.slow
def test_a_patient_whose_law_fails_is_a_row_with_a_reason_and_others_stay_as_they_are(
    played: Callable[[Sequence[str], Where], Path],
) -> None:
    good = rows(played(["Good", "Spoils", "GoodToo"], Where(1)))
    bad = rows(played(["Good", "Loops", "Crashes"], Where(2)))
    assert {row["status"] for row in good} == {"done"}
    told = {
        "bad_laws.py:Loops": "failed: killed after 8 s without an answer",
        "bad_laws.py:Crashes": "its process was killed by SIGSEGV",
    }
    assert {row["family"] for row in bad} == {"bad_laws.py:Good", *told}
    for row, sound in zip(bad, good, strict=True):
        family = str(row["family"])
        if family in told:
            assert row["status"] == "poisoned"
            assert str(row["error"]).startswith(f"law {family} ")
            assert told[family] in str(row["error"])
        else:
            assert repr(row) == repr(sound)


def test_a_run_with_one_ends_with_1_and_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'title = "x"\n[patient]\nphenotype = "hfref-ischaemic"\n'
        f'response = "{BAD}:KillsItsGroup"\n'
    )
    command = ["run", str(file), "--quiet", "--out", str(tmp_path / "run")]
    assert invoke(command) == 1
    said = capfd.readouterr().err.strip()
    assert said == (
        f"ccmlab: {file}: law bad_laws.py:KillsItsGroup failed: "
        "its process was killed by SIGKILL"
    )
    assert not (tmp_path / "run").exists()


def test_a_law_that_cannot_be_read_ends_a_study_before_anything_is_played(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("import nowhere_at_all\n")
    text = STUDY.format(limit=LIMIT_S, n=2, families='"mine.py:Mine" = 1')
    (tmp_path / "s.toml").write_text(text)
    command = ["study", str(tmp_path / "s.toml"), "--out", str(tmp_path / "out")]
    assert invoke(command) == 1
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last == (
        "ccmlab: law mine.py failed: ModuleNotFoundError: "
        "No module named 'nowhere_at_all' (mine.py:1)"
    )
