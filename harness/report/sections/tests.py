"""Every setting that was tested, what was seen of it, and what was decided."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, Self

from pydantic import model_validator

from harness.common.words import (
    SettingValue,
    digits_of,
    plain,
    setting_text,
    unit_of_setting,
)
from harness.play.learnt import NORMAL_95
from harness.report.case import Case
from harness.report.fhir_observations import component, measured, observation, setting
from harness.report.fhir_terms import Json, Names, clean, concept
from harness.report.parts import Interval, Part, Quantity
from harness.report.section import Section
from harness.report.sections.pairs import mean_readings
from harness.report.surface import Fitted, is_read
from harness.report.typeset import printable, printed_fields
from harness.report.values import (
    gain,
    interval,
    mean_and_error,
    minutes,
    quantity,
    same_therapy,
    share,
    therapy_text,
)
from sim.device.lattice import parameters
from sim.device.settings import Settings
from sim.heart.sensation import WORST_GRADE
from sim.instruments import readout
from sim.visit.measuring import measuring_plan
from sim.visit.record import Ended, Tested, VisitRecord

SHORT: Final = {
    "amplitude_v": "Amplitude",
    "phase_duration_ms": "Phase",
    "n_pulses": "Pulses",
    "delay_ms": "Delay",
}
COLUMNS: Final = tuple(SHORT)
NOTHING: Final = (math.nan, math.nan, math.nan)
PROGRAMMED: Final = "programmed permanently"
STOPPED: Final = "stopped for safety"

Outcome = Literal[
    "kept", "not better", "discomfort", "safety", "conflict", "not read", "failed check"
]


class AxisColumn(Part):
    """One programmable value that the search varied."""

    symbol: str
    label: str
    short: str
    unit: str
    digits: int


class TestedRow(Part):
    """One setting that was tested, with what was seen and decided.

    `reference` and `tested` are the mean readings that the gain compares; `note` is
    what the outcome does not tell, `decision` all of it in a sentence.
    """

    number: int
    values: tuple[SettingValue, ...]
    start: Quantity
    minutes: Quantity
    reference: Quantity
    tested: Quantity
    gain: Quantity
    standard_error: Quantity
    interval_95: Interval
    sensation: str
    ectopics: int
    train_ectopics: int
    beats: int
    delivered: Quantity
    energy: Quantity
    kept: bool
    outcome: Outcome
    note: str
    decision: str


class PooledRow(Part):
    """All valid readings of one setting together.

    `fitted` is what the readings of all settings together say of this one, and
    `share_best` the probability that it is the best of those tested.
    """

    values: tuple[SettingValue, ...]
    tests: str
    readings: int
    gain: Quantity
    standard_error: Quantity
    fitted: Quantity
    fitted_error: Quantity
    share_best: Quantity


class Tests(Part):
    """Every setting tested; `pooled` has one row a setting."""

    statement: str
    legend: str
    columns: tuple[AxisColumn, ...]
    rows: tuple[TestedRow, ...]
    pooled: tuple[PooledRow, ...]

    @model_validator(mode="after")
    def _a_value_a_column(self) -> Self:
        n_columns = len(self.columns)
        n_values = {len(row.values) for row in self.rows}
        n_values |= {len(row.values) for row in self.pooled}
        if wrong := n_values - {n_columns}:
            raise ValueError(
                f"each row must have {n_columns} values, one a column, got {max(wrong)}"
            )
        return self


def tests_part(case: Case) -> Tests:
    """Return every setting tested, what was seen, and why it was kept or rejected."""
    record = case.record
    symbols = _varied(record)
    columns = tuple(
        AxisColumn(
            symbol=symbol,
            label=parameters()[symbol].label,
            short=SHORT.get(symbol, parameters()[symbol].label),
            unit=unit_of_setting(symbol),
            digits=digits_of(symbol),
        )
        for symbol in symbols
    )
    return Tests(
        statement=_tests_statement(record),
        legend=f"Kept: {PROGRAMMED}. Not better: {_not_better(record)}.",
        columns=columns,
        rows=tuple(_tested_row(record, tested, symbols) for tested in record.tested),
        pooled=_pooled(record, symbols, case.fit),
    )


def _pooled(
    record: VisitRecord, symbols: tuple[str, ...], fit: Fitted | None
) -> tuple[PooledRow, ...]:
    """Pool the readings of each setting, in the order of their first test."""
    by_values: dict[tuple[SettingValue, ...], list[Tested]] = {}
    for tested in record.tested:
        values = tuple(getattr(tested.settings, symbol) for symbol in symbols)
        by_values.setdefault(values, []).append(tested)
    return tuple(_pooled_row(values, rows, fit) for values, rows in by_values.items())


def _pooled_row(
    values: tuple[SettingValue, ...], tests: list[Tested], fit: Fitted | None
) -> PooledRow:
    read = [t for t in tests if is_read(t)]
    mean = mean_and_error([t.gain_pct for t in read])[0]
    squares = sum(t.standard_error_pct**2 for t in read)
    error = math.sqrt(squares) / len(read) if read else math.nan
    told = _fitted(tests[0].settings, fit)
    return PooledRow(
        values=values,
        tests=", ".join(str(t.number) for t in tests),
        readings=len(read),
        gain=gain(mean),
        standard_error=quantity(error, "%", 1),
        fitted=gain(told[0]),
        fitted_error=quantity(told[1], "%", 1),
        share_best=share(told[2]),
    )


def _fitted(settings: Settings, fit: Fitted | None) -> tuple[float, float, float]:
    """Return fitted gain, its SD, and the chance to be the best of those tested."""
    if fit is None or (point := fit.point(settings)) not in fit.asked:
        return NOTHING
    row = fit.asked.index(point)
    belief, shares = fit.belief, fit.information.share_best
    return float(belief.mean_pct[row]), float(belief.sd_pct[row]), float(shares[row])


def _varied(record: VisitRecord) -> tuple[str, ...]:
    changed = {
        name
        for tested in record.tested
        for name, _, _ in tested.settings.changed(record.reference)
    }
    # these follow from the others: no search chose them
    dependent = ("pvarp_ms", "vrp_ms", "post_ls_refractory_ms")
    more = sorted(changed.difference(COLUMNS, dependent))
    return (*COLUMNS, *more)


def _tests_statement(record: VisitRecord) -> str:
    if not record.tested:
        return "No setting was tested."
    different = {tested.settings for tested in record.tested}
    spent_s = sum(tested.end_s - tested.start_s for tested in record.tested)
    aborted = sum(not tested.completed for tested in record.tested)
    void = sum(_is_void(tested) for tested in record.tested)
    return (
        f"{len(record.tested)} tests of {len(different)} different settings in "
        f"{minutes(spent_s).text}; {aborted} ended early, {void} gave no valid "
        "reading. Gain is the change of the reading against the reference values "
        f"({therapy_text(record.reference)}), read as the plan has it "
        f"({measuring_plan(record.plan.plan).text(record.plan)}), with the error "
        "expected of one such reading."
    )


def _is_void(tested: Tested) -> bool:
    return tested.completed and not is_read(tested)


def _tested_row(
    record: VisitRecord, tested: Tested, symbols: tuple[str, ...]
) -> TestedRow:
    outcome, note = _decision(record, tested)
    reference, read = mean_readings(tested.pair, readout(record.plan.readout))
    reach = NORMAL_95 * tested.standard_error_pct
    kept = outcome == "kept"
    asked = _asked(tested)
    reason = note or (PROGRAMMED if kept else _not_better(record))
    return TestedRow(
        number=tested.number,
        values=tuple(getattr(tested.settings, symbol) for symbol in symbols),
        start=minutes(tested.start_s),
        minutes=quantity(tested.minutes, "min", 1),
        reference=reference,
        tested=read,
        gain=gain(tested.gain_pct),
        standard_error=quantity(tested.standard_error_pct, "%", 1),
        interval_95=interval((tested.gain_pct - reach, tested.gain_pct + reach)),
        sensation=f"{tested.sensation_grade}/{WORST_GRADE}",
        ectopics=tested.n_ectopics,
        train_ectopics=tested.n_train_ectopics,
        beats=tested.n_beats,
        delivered=share(tested.delivered_frac),
        energy=share(tested.energy_frac),
        kept=kept,
        outcome=outcome,
        note=". ".join(text for text in (note, asked) if text),
        decision=f"{'Kept' if kept else 'Rejected'}: {reason}."
        + (f" {asked}." if asked else ""),
    )


def _asked(tested: Tested) -> str:
    if not tested.filter_note or tested.ended is Ended.REFUSED:
        return ""
    return (
        f"Asked for {therapy_text(tested.asked)}; safety filter: "
        f"{plain(tested.filter_note)}"
    )


def _decision(record: VisitRecord, tested: Tested) -> tuple[Outcome, str]:
    """Return the outcome in a word, and what must be said beyond it."""
    if not tested.completed:
        return _why_aborted(tested), plain(tested.aborted)
    if same_therapy(tested.settings, record.final):
        return "kept", ""
    if _is_void(tested):
        void = plain(tested.pair.void) if tested.pair else "not read"
        return "not read", f"no valid reading, {void}"
    # told apart: the search's best lost by something else than its readings
    choice = record.choice
    if choice and not choice.gated and same_therapy(tested.settings, choice.settings):
        return _candidate_fate(record)
    return "not better", ""


def _why_aborted(tested: Tested) -> Outcome:
    if tested.ended is Ended.FELT:
        return "discomfort"
    if tested.ended is Ended.REFUSED and tested.asked.conflicts():
        return "conflict"
    return "safety"


def _not_better(record: VisitRecord) -> str:
    """Return what the word says in this visit."""
    if record.choice is not None and not record.choice.gated:
        return "not better than the candidate, all readings and the cost weighed"
    return (
        "not better than the reference by enough to be believed, all readings weighed"
    )


def _candidate_fate(record: VisitRecord) -> tuple[Outcome, str]:
    failed = [check.name for check in record.final_checks if not check.passed]
    if failed:
        names = ", ".join(failed)
        return "failed check", plain(f"the candidate, but its checks failed: {names}")
    verdict = record.verdict
    fate = f"the candidate, but the verdict was {verdict.kind}: {verdict.reason}"
    outcome: Outcome = "safety" if verdict.kind == STOPPED else "not better"
    return outcome, plain(fate)


def _printed(tests: Tests) -> dict[str, Any]:
    """Return the tests with each value in the digits of its column."""
    told = printed_fields(tests)
    for name, rows in (("rows", tests.rows), ("pooled", tests.pooled)):
        told[name] = [
            printed_fields(row) | {"values": _in_digits(row.values, tests.columns)}
            for row in rows
        ]
    return told


def _in_digits(
    values: Iterable[SettingValue], columns: Iterable[AxisColumn]
) -> list[str]:
    return [
        printable(setting_text(value, "", column.digits))
        for value, column in zip(values, columns, strict=True)
    ]


def _in_fhir(tests: Tests, names: Names) -> Iterator[tuple[str, Json]]:
    for row in tests.rows:
        yield f"test-{row.number}", _observed(tests, names, row)


def _observed(tests: Tests, names: Names, row: TestedRow) -> Json:
    settings = [
        setting(column.symbol, column.label, column.unit, value)
        for column, value in zip(tests.columns, row.values, strict=True)
    ]
    seen = (
        ("test-number", "number of the test", row.number),
        ("started", "time since check-in", row.start),
        ("duration", "minutes spent", row.minutes),
        ("standard-error", "standard error", row.standard_error),
        ("sensation", "sensation, grade of the worst", row.sensation),
        ("ectopics", "ectopic beats", row.ectopics),
        ("train-ectopics", "ectopic beats tied to trains", row.train_ectopics),
        ("beats", "beats of the test", row.beats),
        ("delivered", "share of beats with CCM", row.delivered),
        ("energy", "energy, share of the nominal train", row.energy),
        ("kept", "kept", row.kept),
    )
    return observation(
        names,
        f"test-{row.number}",
        concept("tested-setting", "gain of a tested setting over the reference"),
        (f"Test {row.number}: gain {row.gain.text}.", row.decision),
        **names.clock.lasting(row.start.value, row.minutes.value),
        **measured(row.gain, row.decision),
        note=[{"text": clean(row.decision)}],
        component=[*settings, *(component(*item) for item in seen)],
    )


TESTS: Final = Section(
    name="tests",
    order=50,
    title="Every setting tested",
    build=tests_part,
    printed=_printed,
    fhir=_in_fhir,
)
