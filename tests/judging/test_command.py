"""`ccmlab compare` on the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import invoke
from harness.study.judging.board import Judged, judge
from harness.study.judging.files import BEGIN, END
from harness.study.judging.reading import read_study
from harness.study.judging.thresholds import ThresholdError, misses, parse_threshold
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Run = Callable[..., int]


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    written: Callable[..., Path],
    make: tuple[Visit, object],
) -> Path:
    gains = {"stay": 0.0, "good": 4.0, "poor": 1.0}
    return written(
        tmp_path_factory.mktemp("compare") / "study",
        [
            make[0](patient=p, contender=name, candidate_gain_pct=gain, budget_min=b)
            for name, gain in gains.items()
            for p in range(3)
            for b in (20.0, 40.0)
        ],
    )


@pytest.fixture(scope="module")
def judged(folder: Path) -> Judged:
    return judge(read_study(folder))


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    """Return what compares the study, into the same folder every time."""
    out = str(tmp_path / "out")
    return lambda *more: invoke(["compare", str(folder), "--out", out, *more])


def said(told: str) -> list[str]:
    """Return what a command said, but for the patience it asks on a busy machine."""
    return [line for line in told.splitlines() if not line.startswith("judging the")]


def test_page_table_and_figures_are_written(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    told = capsys.readouterr().out
    assert "good" in told
    assert "simulated data only" in told
    found = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*.*")
    }
    figures = ("price", "readings", "patients")  # nobody knows a test of any search
    tables = ("ranks", "pairs", "laws", "knowledge")
    assert found == {
        "compare.html",
        "leaderboard.csv",
        "leaderboard.parquet",
        "studies.json",
        "visits.parquet",
        "evaluations.parquet",
        *(f"tables/{name}.csv" for name in tables),
        *(f"figures/{name}.svg" for name in figures),
    }


def test_a_comparison_is_replaced_only_when_asked(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "out" / "compare.html"
    page.parent.mkdir()
    page.write_text("mine", encoding="utf-8")
    assert run() == 2
    assert "--force" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "mine"
    assert run("--force") == 0
    assert page.read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        # regret: good 0, poor 37.5, the baseline is not held
        ("regret_median_pct=37.5", ()),
        ("regret_median_pct=37", ("poor, paired, 20", "poor, paired, 40")),
        ("good:regret_median_pct=0", ()),
        ("poor:regret_median_pct@40=15", ("poor, paired, 40",)),
        ("attained_pct=25", ()),
        ("attained_pct@20=26", ("poor, paired, 20",)),
        ("stay:attained_pct@20=1", ("stay, paired, 20",)),
        # no interval was stated: what is not available is missed
        ("good:coverage_pct@20=93", ("good, paired, 20",)),
    ],
)
def test_who_misses_a_threshold_is_named(
    asked: str, missing: tuple[str, ...], judged: Judged
) -> None:
    missed = misses([judged], [parse_threshold(asked)])
    assert [miss.text.partition(" min:")[0] for miss in missed] == [
        f"study: {who}" for who in missing
    ]


def test_a_missed_threshold_ends_with_1_after_everything_is_written(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("good:attained_pct=50", "poor:harmed_pct=5", "poor:attained_pct@40=26")
    assert run(*(part for text in asked for part in ("--fail-under", text))) == 1
    told = capsys.readouterr().err
    assert len(said(told)) == 1
    assert "poor, paired, 40 min: attained_pct is 25.0, asked at least 26" in told
    assert (tmp_path / "out" / "compare.html").is_file()


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("regret_median_pct", "must be METRIC=VALUE"),
        ("regrets_median_pct=3", "nearest is 'regret_median_pct'"),
        ("ties=3", "metric must be one of"),
        ("harmed_pct=few", "VALUE of harmed_pct must be a number, got 'few'"),
        ("harmed_pct=nan", "must be a number"),
        ("harmed_pct@soon=3", "minutes after @"),
    ],
)
def test_a_threshold_that_cannot_be_read_says_why(asked: str, wanted: str) -> None:
    with pytest.raises(ThresholdError) as caught:
        parse_threshold(asked)
    assert wanted in str(caught.value)


def test_a_contender_of_a_file_can_be_held_against_a_threshold() -> None:
    threshold = parse_threshold("mine.py:sweep:harmed_pct@40=5")
    assert (threshold.contender, threshold.budget_min) == ("mine.py:sweep", 40.0)
    assert (threshold.metric.name, threshold.limit) == ("harmed_pct", 5.0)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (("--fail-under", "nobody:harmed_pct=5"), "no nobody to hold harmed_pct"),
        (("--fail-under", "harmed_pct@33=5"), "at 33 min"),
        (("--baseline", "stray"), "nearest is 'stay'"),
        (("--readme", "nowhere.md"), "--readme nowhere.md cannot be read"),
    ],
)
def test_what_is_not_there_gives_one_clear_message_and_no_page(
    more: tuple[str, ...],
    wanted: str,
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*more) == 2
    told = capsys.readouterr().err
    assert wanted in told
    assert len(said(told)) == 1
    assert not (tmp_path / "out").exists()


def test_the_readme_gets_the_leaderboard_between_its_markers(
    run: Run, tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    assert run("--readme", str(readme)) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| good | 0.00 (0.00 to 0.00) |" in text


def test_a_readme_without_markers_is_left_alone(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("mine\n", encoding="utf-8")
    assert run("--readme", str(readme)) == 2
    assert "must hold once each" in capsys.readouterr().err
    assert readme.read_text(encoding="utf-8") == "mine\n"
