"""Everything that was tested, pair by pair, and what the readings can say."""

import math
from collections.abc import Sequence
from typing import Final

from harness.common.words import SettingValue, digits_of, plain, unit_of_setting
from harness.play.learnt import NORMAL_95
from harness.report.energy import energy_rows, energy_statement
from harness.report.model import (
    Analysis,
    AxisColumn,
    ChannelRow,
    Fact,
    Outcome,
    PairRow,
    PooledRow,
    Quantity,
    Response,
    TestedRow,
    Tests,
)
from harness.report.surface import Fitted, is_read, surface_part
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
from sim.instruments import Readout, readout
from sim.units import PCT_PER_FRAC
from sim.visit.measuring import measuring_plan
from sim.visit.record import Gains, Pair, Role, Tested, VisitRecord

SHORT: Final = {
    "amplitude_v": "Amplitude",
    "phase_duration_ms": "Phase",
    "n_pulses": "Pulses",
    "delay_ms": "Delay",
}
COLUMNS: Final = tuple(SHORT)
SURROGATE: Final = (
    "The reading is an acute pressure surrogate: it can also rise by vasoconstriction "
    "or rate, and there is no evidence that it predicts outcome."
)
NOT_READ: Final = Gains(*(math.nan,) * 6)
NOTHING: Final = (math.nan, math.nan, math.nan)
PROGRAMMED: Final = "programmed permanently"
STOPPED: Final = "stopped for safety"
REFUSED: Final = "refused"
LETTER: Final[dict[Role, str]] = {"reference": "R", "tested": "X"}


def pair_row(pair: Pair, instrument: Readout) -> PairRow:
    """Return one pair as shown; a void one keeps its readings and says why."""
    gains = pair.gains or NOT_READ
    reference, tested = _readings(pair, instrument)
    return PairRow(
        number=pair.number,
        start=minutes(pair.start_s),
        order=arm_order(pair),
        reference=reference,
        tested=tested,
        primary=gain(gains.primary_pct),
        systolic=gain(gains.systolic_pct),
        pulse=gain(gains.pulse_pct),
        mean=gain(gains.mean_pct),
        diastolic=gain(gains.diastolic_pct),
        heart_rate=gain(gains.heart_rate_pct),
        void=plain(pair.void),
    )


def arm_order(pair: Pair) -> str:
    """Return the order of a pair's arms, R the reference and X the tested setting."""
    return " ".join(LETTER[arm.role] for arm in pair.arms)


def _readings(pair: Pair | None, instrument: Readout) -> tuple[Quantity, Quantity]:
    """Return the mean reading at the reference and at the tested settings."""
    digits = 2 if instrument.unit == "cm" else 1
    reference, tested = (
        quantity(pair.mean(role) if pair else math.nan, instrument.unit, digits)
        for role in LETTER
    )
    return reference, tested


def response_part(record: VisitRecord) -> Response:
    """Return the pairs against CCM off and the sham pair."""
    instrument = readout(record.plan.readout)
    pairs = record.response_pairs
    sham = [record.sham_pair] if record.sham_pair else []
    tests_off = bool(pairs) and any(
        _delivers_nothing(arm.settings) for arm in pairs[0].arms if arm.role == "tested"
    )
    label = (
        "Change when CCM is switched off (X) from the reference values (R)"
        if tests_off
        else "Change with the reference values (X) from CCM off (R)"
    )
    return Response(
        statement=" ".join(
            (_response_statement(pairs, tests_off), _harm_statement(record))
        ).strip(),
        change_label=label,
        pairs=tuple(
            pair_row(pair, instrument) for pair in (*pairs, *record.harm_pairs)
        ),
        sham=tuple(pair_row(pair, instrument) for pair in sham),
        sham_statement=_sham_statement(record.sham_pair),
    )


def _delivers_nothing(settings: Settings) -> bool:
    return settings.mode == "OOO" or settings.ccm_mode == "OFF"


def _response_statement(pairs: Sequence[Pair], tests_off: bool) -> str:
    read = [pair.gains.primary_pct for pair in pairs if pair.gains]
    if not read:
        return "No response test was read."
    mean, error = mean_and_error(read)
    action = "Switching CCM off" if tests_off else "Switching CCM on"
    return (
        f"{action} changed the reading by {gain(mean).text}, standard error "
        f"{quantity(error, '%', 1).text}, over {len(read)} valid pairs."
    )


def _harm_statement(record: VisitRecord) -> str:
    """Tell of the fresh pairs that were read because CCM seemed to harm."""
    read = [pair.gains.primary_pct for pair in record.harm_pairs if pair.gains]
    if not record.harm_pairs:
        return ""
    mean, error = mean_and_error(read)
    shown = (
        "CCM as found harms"
        if record.verdict.kind == "harmful as found"
        else "harm is not shown"
    )
    return (
        "That is more than with the reference values, so fresh pairs were read and "
        f"judged alone: {gain(mean).text}, standard error "
        f"{quantity(error, '%', 1).text}, over {len(read)} valid pairs; {shown}."
    )


def _sham_statement(pair: Pair | None) -> str:
    if pair is None:
        return "No sham reprogramming was done."
    if pair.gains is None:
        return f"The sham pair does not count: {plain(pair.void)}."
    return (
        "Sham reprogramming, the reference values against themselves, read "
        f"{gain(pair.gains.primary_pct).text}: a negative control of chance and drift."
    )


def tests_part(record: VisitRecord, fit: Fitted | None) -> Tests:
    """Return every setting tested, what was seen, and why it was kept or rejected."""
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
        pooled=_pooled(record, symbols, fit),
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
    dependent = ("pvarp_ms", "vrp_ms", "post_ls_refractory_ms")
    more = sorted(changed.difference(COLUMNS, dependent))
    return (*COLUMNS, *more)


def _tests_statement(record: VisitRecord) -> str:
    if not record.tested:
        return "No setting was tested."
    different = {tested.settings for tested in record.tested}
    spent_s = sum(tested.end_s - tested.start_s for tested in record.tested)
    aborted = sum(bool(tested.aborted) for tested in record.tested)
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
    return not tested.aborted and not is_read(tested)


def _tested_row(
    record: VisitRecord, tested: Tested, symbols: tuple[str, ...]
) -> TestedRow:
    outcome, note = _decision(record, tested)
    reference, read = _readings(tested.pair, readout(record.plan.readout))
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
    if not tested.filter_note or tested.aborted.startswith(REFUSED):
        return ""
    return (
        f"Asked for {therapy_text(tested.asked)}; safety filter: "
        f"{plain(tested.filter_note)}"
    )


def _decision(record: VisitRecord, tested: Tested) -> tuple[Outcome, str]:
    """Return the outcome in a word, and what must be said beyond it."""
    if tested.aborted:
        return _why_aborted(tested), plain(tested.aborted)
    if same_therapy(tested.settings, record.final):
        return "kept", ""
    if _is_void(tested):
        void = plain(tested.pair.void) if tested.pair else "not read"
        return "not read", f"no valid reading, {void}"
    choice = record.choice
    if choice and not choice.gated and same_therapy(tested.settings, choice.settings):
        return _candidate_fate(record)
    return "not better", ""


def _why_aborted(tested: Tested) -> Outcome:
    if tested.aborted.startswith("sensation"):
        return "discomfort"
    if tested.aborted.startswith(REFUSED) and tested.asked.conflicts():
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


def analysis_part(record: VisitRecord, fit: Fitted | None) -> Analysis:
    """Return what the visit can say, pair by pair, and the advisor's choice."""
    instrument = readout(record.plan.readout)
    valid = any(pair.gains for pair in record.verification_pairs)
    return Analysis(
        facts=_facts(record),
        choice=_choice(record),
        surface=surface_part(fit),
        energy=energy_rows(record),
        energy_statement=energy_statement(record),
        channels=_channels(record.verification_pairs) if valid else (),
        pairs=tuple(pair_row(pair, instrument) for pair in record.verification_pairs),
        reading_unit=f"{instrument.title}, {instrument.unit}",
        unit=instrument.unit,
        surrogate=SURROGATE,
    )


def _facts(record: VisitRecord) -> tuple[Fact, ...]:
    verdict = record.verdict
    excess = verdict.best_single_reading_pct - verdict.gain_pct
    return (
        Fact(label="Pairs planned", value=quantity(verdict.pairs_planned)),
        Fact(label="Pairs done", value=quantity(verdict.pairs_done)),
        Fact(label="Pairs void", value=quantity(verdict.pairs_void)),
        Fact(
            label="Spread between pairs (SD)",
            value=quantity(verdict.pair_sd_pct, "%", 1),
        ),
        Fact(label="Verified gain", value=gain(verdict.gain_pct)),
        Fact(
            label="Standard error of the gain",
            value=quantity(verdict.standard_error_pct, "%", 1),
        ),
        Fact(label="95 % interval", value=interval(verdict.ci95_pct)),
        Fact(label="90 % interval", value=interval(verdict.ci90_pct)),
        Fact(
            label="Least gain the visit could have shown (80 % power)",
            value=quantity(verdict.least_detectable_gain_pct, "%", 1),
        ),
        Fact(
            label="What the best single reading would have claimed",
            value=gain(verdict.best_single_reading_pct),
        ),
        Fact(
            label="That claim less the verified gain",
            value=quantity(excess, "points", 1, signed=True),
        ),
    )


def _choice(record: VisitRecord) -> tuple[Fact, ...]:
    choice = record.choice
    if choice is None:
        return (Fact(label="Candidate", value="none was chosen"),)
    probability = PCT_PER_FRAC * choice.probability_better
    gate = "kept the reference" if choice.gated else "let the candidate pass"
    return (
        Fact(label="Candidate", value=therapy_text(choice.settings)),
        Fact(
            label="Gain expected of it after titration",
            value=gain(choice.expected_gain_pct),
        ),
        Fact(
            label="Probability that it is better than the reference",
            value=quantity(probability, "%"),
        ),
        Fact(label="Do-no-harm gate", value=gate),
        Fact(label="Why", value=plain(choice.reason)),
    )


def _channels(pairs: Sequence[Pair]) -> tuple[ChannelRow, ...]:
    rows = (
        ("Systolic pressure", "systolic_pct"),
        ("Pulse pressure", "pulse_pct"),
        ("Mean pressure", "mean_pct"),
        ("Diastolic pressure", "diastolic_pct"),
        ("Heart rate", "heart_rate_pct"),
    )
    return tuple(_channel(label, name, pairs) for label, name in rows)


def _channel(label: str, name: str, pairs: Sequence[Pair]) -> ChannelRow:
    read = [getattr(pair.gains, name) for pair in pairs if pair.gains]
    mean, error = mean_and_error(read)
    return ChannelRow(
        label=label, change=gain(mean), standard_error=quantity(error, "%", 1)
    )
