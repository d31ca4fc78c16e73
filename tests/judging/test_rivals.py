"""Contenders against each other: ranks with intervals, pairs, laws."""

from collections.abc import Callable, Sequence
from math import isnan

import numpy as np
import pytest

from harness.study.judging.board import Judged, judge
from harness.study.judging.cells import Cell
from harness.study.judging.laws import by_law, law_sheet, tau_sheet, worst_law
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import StoredStudy
from harness.study.judging.rivals import pair_sheet, rank_sheet
from harness.study.judging.sheets import TidySheet, shown, tidy
from harness.study.judging.standing import contenders
from harness.study.judging.story import chapters
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]


def cells_of(judged: Judged) -> list[Cell]:
    return contenders(judged, judged.main, "paired")


@pytest.fixture
def field(stored: Stored, visit: Visit) -> Judged:
    """Sixty patients under two laws, of span 8; the truth of each loss is known."""
    noise = np.random.default_rng(3).normal(0.0, 1.0, (3, 60))
    means = {"good": 1.0, "level": 1.05, "poor": 3.0}
    rows = [
        visit(
            patient=patient,
            contender=name,
            family="window" if patient % 2 else "interior",
            candidate_gain_pct=4.0 - lost - noise[place, patient],
        )
        for place, (name, lost) in enumerate(means.items())
        for patient in range(60)
    ]
    return judge(stored(rows))


def by_name(sheet: TidySheet, *names: str) -> dict[tuple[str, ...], dict[str, object]]:
    return {tuple(str(row[n]) for n in names): dict(row) for row in sheet.rows}


def test_a_rank_is_as_sure_as_the_patients_make_it(field: Judged) -> None:
    rows = by_name(rank_sheet(cells_of(field)), "contender")
    poor, good, level = (rows[(name,)] for name in ("poor", "good", "level"))
    assert poor["rank"] == Estimate(3.0, 3.0, 3.0, 60)  # 10 standard errors behind
    assert poor["first_pct"] == 0.0
    # 0.05 apart, of which 0.18 is one standard error: either may be ahead
    for one in (good, level):
        rank = one["rank"]
        assert isinstance(rank, Estimate)
        assert (rank.low, rank.high) == (1.0, 2.0)
    shares = [good["first_pct"], level["first_pct"]]
    assert sum(s for s in shares if isinstance(s, float)) == pytest.approx(100.0)


def test_equals_share_a_rank(stored: Stored, visit: Visit) -> None:
    rows = [visit(patient=p, contender=n) for p in range(4) for n in ("a", "b")]
    found = rank_sheet(cells_of(judge(stored(rows)))).rows
    assert [row["rank"] for row in found] == [Estimate(1.0, 1.0, 1.0, 4)] * 2
    assert [row["first_pct"] for row in found] == [100.0, 100.0]


def test_every_pair_is_compared_once_and_adjusted_for_all_pairs(
    field: Judged,
) -> None:
    rows = by_name(pair_sheet(cells_of(field)), "contender", "other")
    assert len(rows) == 3
    apart = next(row for pair, row in rows.items() if set(pair) == {"good", "poor"})
    saved, p, p_holm = (apart[name] for name in ("saved", "p", "p_holm"))
    assert isinstance(saved, Estimate)
    assert isinstance(p, Estimate)
    assert isinstance(p_holm, Estimate)
    assert saved.low < 2.0 < saved.high
    assert (p.value, p.at_most) == (1e-5, True)
    assert p_holm.value == pytest.approx(3e-5)


def test_a_limit_is_shown_as_one(field: Judged) -> None:
    table = shown(pair_sheet(cells_of(field)))
    texts = [cell.text for row in table.rows for cell in row]
    assert texts.count("<=0.00001") == 2
    assert texts.count("<=0.0001") == 2  # 3 and 2 in 100,000, rounded up


def shares(*by_patient: Sequence[float]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        f"law{i}": (np.array(lost, float), np.full(len(lost), 10.0))
        for i, lost in enumerate(by_patient)
    }


def test_the_worst_law_is_told_with_the_share_lost_in_it() -> None:
    name, share = worst_law(shares([1.0] * 20, [4.0] * 20, [2.0] * 20))
    assert name == "law1"
    assert (share.value, share.low, share.high) == pytest.approx((40.0,) * 3)


def test_the_luckless_law_of_equals_is_not_taken_for_worse_than_it_is() -> None:
    """Chosen and judged on the same patients, the worst of ten would seem higher."""
    rng = np.random.default_rng(8)
    draws = [rng.normal(3.0, 2.0, 30) for _ in range(10)]
    _, share = worst_law(shares(*draws))
    naive = max(float(lost.mean()) for lost in draws) * 10.0
    # the truth is 30 % in each; one law's mean has a standard error of 3.7
    assert naive > 34.0
    assert share.value < naive - 2.0
    assert share.low < 30.0 < share.high


def test_one_law_has_no_worst() -> None:
    name, share = worst_law(shares([1.0, 2.0]))
    assert name == ""
    assert not share.known


def test_shares_of_a_law_are_sums_over_sums(field: Judged) -> None:
    cell = cells_of(field)[0]
    lost, span = by_law(cell)["window"]
    assert lost.size == span.size == 30
    row = by_name(law_sheet([cell]), "contender")[(cell.contender,)]
    found = row["window_share_pct"]
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(100.0 * lost.sum() / span.sum())


def test_laws_that_rank_alike_have_a_tau_of_one(stored: Stored, visit: Visit) -> None:
    gains = {"window": (3.0, 2.0, 1.0), "interior": (3.5, 2.5, 0.0), "null": (1, 2, 3)}
    gains["any-delay"] = (1.0, 2.0, 3.0)
    rows = [
        visit(
            key=f"{law}{name}",
            patient=patient,
            family=law,
            contender=name,
            candidate_gain_pct=gain,
        )
        for patient, (law, each) in enumerate(gains.items())
        for name, gain in zip("abc", each, strict=True)
    ]
    sheet = tau_sheet(cells_of(judge(stored(rows))))
    taus = {pair: row["tau"] for pair, row in by_name(sheet, "law", "other").items()}
    values = {p: t.value for p, t in taus.items() if isinstance(t, Estimate)}
    assert values == {
        ("any-delay", "interior"): -1.0,
        ("any-delay", "window"): -1.0,
        ("interior", "window"): 1.0,
    }


def test_a_tidy_file_has_the_parts_of_every_estimate(field: Judged) -> None:
    rows = list(tidy(law_sheet(cells_of(field)), {"study": "one"}))
    first = rows[0]
    assert list(first)[:2] == ["study", "contender"]
    for part in ("", "_low", "_high", "_error", "_n"):
        assert f"window_share_pct{part}" in first
    assert all(list(row) == list(first) for row in rows)


def test_a_row_without_an_estimate_has_its_columns_empty() -> None:
    columns = law_sheet([]).columns
    sheet = TidySheet(
        "x",
        "X",
        "",
        columns,
        ({"contender": "a", "worst_share_pct": Estimate(1.0)}, {"contender": "b"}),
    )
    rows = list(tidy(sheet, {}))
    assert list(rows[0]) == list(rows[1])
    assert isnan(float(str(rows[1]["worst_share_pct"])))


def test_who_never_came_to_an_end_is_in_no_chapter(
    stored: Stored, visit: Visit
) -> None:
    rows = [visit(patient=p, contender="fine") for p in range(3)]
    rows += [visit(patient=p, contender="other") for p in range(3)]
    rows += [
        visit(patient=p, contender="crashes", status="failed", error="no")
        for p in range(3)
    ]
    found = chapters(judge(stored(rows)), "paired")
    names = {str(r["contender"]) for c in found for s in c.sheets for r in s.rows}
    assert names == {"fine", "other"}
