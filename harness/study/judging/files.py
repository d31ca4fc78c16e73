"""The leaderboard as a tidy table, as text, and as a part of a Markdown file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from harness.common.csv import Cell, csv_bytes
from harness.common.words import EN_DASH, between, decimal
from harness.study.judging.board import Judged, Line
from harness.study.judging.layout import estimate_cell
from harness.study.judging.metrics import METRICS
from harness.study.judging.numbers import Estimate
from harness.study.judging.rivals import rank_sheet
from harness.study.judging.standing import contenders
from harness.study.judging.verdicts import TRUTHS, VERDICTS
from harness.study.judging.words import capital, start_words, together
from sim.units import S_PER_MIN

BEGIN: Final = "<!-- leaderboard: begin, written by ccmlab compare -->"
END: Final = "<!-- leaderboard: end -->"
TEXT_COLUMNS: Final = (
    ("points_lost_mean", "points lost"),
    ("saved_mean_points", "saved"),
    ("points_lost_share_pct", "of the span %"),
    ("regret_median_pct", "median regret %"),
    ("p_holm", "p Holm"),
    ("attained_pct", "attained %"),
    ("harmed_pct", "harmed %"),
    ("null_improved_pct", "null improved %"),
    ("coverage_pct", "coverage %"),
    ("unpleasant_events_mean", "unpleasant"),
    ("ask_ms_median", "ms an ask"),
)
DIGITS: Final = 6
"""Decimals of the table: what other machines reproduce."""
LONGEST: Final = 40
"""Letters of a contender's name in the terminal."""
WITH_INTERVAL: Final = ("points_lost_mean", "harmed_pct", "unpleasant_events_mean")


def leaderboard_rows(studies: Sequence[Judged]) -> Iterator[dict[str, Cell]]:
    """Yield a row a study, group, start, plan, budget and contender: every metric.

    A metric has its own name, its limits that name and `_low`, `_high`, its Monte Carlo
    error `_error`, and what it rests on `_n` (visits for a rate, else patients). A
    yardstick, which follows from the truth, has rank 0.
    """
    for judged in studies:
        for line in (*judged.lines, *judged.told):
            yield _row(line)


def _row(line: Line) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "study": line.study,
        "patients": line.group,
        "start": line.start,
        "plan": line.plan,
        "budget_min": line.budget_min,
        "rank": line.rank,
        "contender": line.contender,
        "strategy": line.strategy,
        "recommender": line.recommender,
        "knows": line.knows,
        "baseline": line.baseline,
        "n_patients": line.n_patients,
        "n_visits": line.n_visits,
        "n_kept": line.n_kept,
    }
    for name, found in line.values.items():
        row |= _cells(name, found)
    for true, counts in zip(TRUTHS, line.confusion.counts, strict=True):
        for said, count in zip(VERDICTS, counts, strict=True):
            row[f"n_{true}_{said}".replace(" ", "_")] = count
    return row


def _cells(name: str, found: Estimate) -> dict[str, Cell]:
    limits = {"": found.value, "_low": found.low, "_high": found.high}
    limits["_error"] = found.error
    rounded = {f"{name}{part}": round(x, DIGITS) for part, x in limits.items()}
    return {**rounded, f"{name}_n": found.n}


def leaderboard_csv(studies: Sequence[Judged]) -> bytes:
    """Return the leaderboard as CSV."""
    return csv_bytes(leaderboard_rows(studies))


def headline_tables(judged: Judged) -> Iterator[tuple[Line, ...]]:
    """Yield the table of the middle budget in the main group, a plan each."""
    for plan in judged.plans:
        table = judged.table(judged.main.name, plan, judged.budget_min)
        if table:
            yield table


def leaderboard_text(studies: Sequence[Judged]) -> str:
    """Return compact leaderboards of the middle budgets for a terminal."""
    blocks = []
    for judged in studies:
        for table in headline_tables(judged):
            first = table[0]
            title = (
                f"{judged.study.name}: {judged.main.title}, {first.n_patients} "
                f"patients, plan {first.plan}, {first.budget_min:g} min, against "
                f"{judged.baseline}"
            )
            rows = (*table, *_beside(judged, table))
            text = _text_table(rows, _spans(judged, first.plan))
            blocks.append("\n".join([_plain(title), *text]))
        blocks.append(together(judged))
    return "\n\n".join(blocks)


def _beside(judged: Judged, table: Sequence[Line]) -> tuple[Line, ...]:
    """Return the yardsticks of a table."""
    return judged.told_of(table[0].group, table[0].plan, table[0].budget_min)


def _spans(judged: Judged, plan: str) -> Mapping[str, str]:
    """Return between which ranks each contender may stand, 95 %."""
    found = {}
    for row in rank_sheet(contenders(judged, judged.main, plan)).rows:
        rank = row["rank"]
        if isinstance(rank, Estimate):
            sure = rank.low == rank.high
            span = decimal(rank.low, 0) if sure else between(rank.low, rank.high, 0)
            found[str(row["contender"])] = span
    return found


def _text_table(table: Sequence[Line], spans: Mapping[str, str]) -> Iterator[str]:
    heads = ("", "contender", "rank 95 %", *(head for _, head in TEXT_COLUMNS))
    rows = [(*heads, "failed")]
    rows += [
        (
            _rank(line),
            _short(line.contender),
            spans.get(line.contender, EN_DASH),
            *_texts(line),
            _failed(line),
        )
        for line in table
    ]
    keep = _filled(rows)
    widths = {i: max(len(row[i]) for row in rows) for i in keep}
    for row in rows:
        cells = (
            f"{row[i]:<{widths[i]}}" if i == 1 else f"{row[i]:>{widths[i]}}"
            for i in keep
        )
        yield "  ".join(cells).rstrip()


def _rank(line: Line) -> str:
    return str(line.rank) if line.is_ranked else EN_DASH


def _failed(line: Line) -> str:
    return f"{line.n_kept} of {line.n_visits}" if line.n_kept else EN_DASH


def _texts(line: Line) -> Iterator[str]:
    """Yield the numbers of a line; none of one whose every visit came to nothing."""
    for name, _ in TEXT_COLUMNS:
        if line.came_to_nothing:
            yield EN_DASH
            continue
        cell = estimate_cell(METRICS[name], line[name], interval=name in WITH_INTERVAL)
        yield f"{cell.text} ({cell.below})" if cell.below else cell.text


def _plain(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    words = _plain(text)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def fragment(starts: Sequence[Judged]) -> str:
    """Return the leaderboards of a study, a start each, as Markdown without markers."""
    parts = [_made(starts)]
    for judged in starts:
        for table in headline_tables(judged):
            parts += ["", *_markdown(judged, table)]
        parts += ["", _safe(together(judged))]
    return "\n".join(parts)


def _made(starts: Sequence[Judged]) -> str:
    manifest = starts[0].study.tables.manifest
    n = sum(judged.visits["key"].size for judged in starts)
    text = f"{n} visits of virtual patients"
    if isinstance(manifest.get("wall_s"), int | float):
        text += f", played in {manifest['wall_s'] / S_PER_MIN:.0f} minutes"
    machine = manifest.get("processor")
    if isinstance(machine, dict):
        text += f" on {machine.get('n_cores', '?')} cores ({machine.get('name', '?')})"
    return _safe(f"{text}.")


def _markdown(judged: Judged, table: Sequence[Line]) -> Iterator[str]:
    first = table[0]
    told = (
        f"{start_words(judged)}{judged.main.title}, {first.n_patients} patients, "
        f"{first.budget_min:g} minutes, plan {first.plan}; 95 % intervals:"
    )
    yield _safe(capital(told))
    yield ""
    rows = [["contender", *(head for _, head in TEXT_COLUMNS), "failed"]]
    rows += [
        [_safe(line.contender), *_texts(line), _failed(line)]
        for line in (*table, *_beside(judged, table))
    ]
    keep = _filled(rows)
    yield _markdown_row(rows[0], keep)
    yield f"|-|{'-:|' * (len(keep) - 1)}"
    for row in rows[1:]:
        yield _markdown_row(row, keep)


def _markdown_row(row: Sequence[str], keep: Sequence[int]) -> str:
    return f"| {' | '.join(row[i] for i in keep)} |"


def _filled(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the columns in which anything stands below the head."""
    columns = range(len(rows[0]))
    return [i for i in columns if any(row[i] != EN_DASH for row in rows[1:])]


def _safe(text: str) -> str:
    """Return text that Markdown shows as it is, within one cell of a table."""
    words = _plain(text).replace("&", "&amp;").replace("<", "&lt;")
    for sign in ("\\", "|", "*", "_", "`", "[", "]"):
        words = words.replace(sign, f"\\{sign}")
    return words


def replace_fragment(text: str, new: str) -> str:
    """Return a Markdown text with what stands between the markers replaced.

    Raises
    ------
    ValueError
        When the markers are not there once each, in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"must hold once each the lines {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"must hold {BEGIN} before {END}")
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"
