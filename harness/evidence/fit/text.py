"""What a fit says: tables for stdout, and the file that `run` accepts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.common.words import plain
from harness.evidence.fit.solver import UNKNOWNS, FittedPatient, FittedUnknown
from sim.patient.files import patient_to_toml

LEAST_PROBABILITY = 0.01
LARGE_SD = 2.0
LEAST_PART = 0.1


def fit_text(fit: FittedPatient) -> str:
    """Return the fitted numbers, what the data cannot tell, and the residuals."""
    return "\n".join([*_numbers(fit), "", *_left_over(fit), "", *_judgement(fit)])


def _numbers(fit: FittedPatient) -> Iterator[str]:
    rows = [("fitted number", "value", "95 % interval", "SD, %", "unit", "")]
    rows += [
        (
            row.title,
            f"{row.value:.4g}",
            f"{row.low:.4g} to {row.high:.4g}",
            f"{row.relative_sd_pct:.2g}",
            row.unit,
            row.note,
        )
        for row in fit.estimates
    ]
    return _table(rows, right=(1, 2, 3))


def _left_over(fit: FittedPatient) -> Iterator[str]:
    rows = [("bedside value", "measured", "SD", "fitted", "off by SDs", "unit")]
    rows += [
        (
            row.quantity,
            f"{row.measured:g}",
            f"{row.sd:.3g}" + ("" if row.sd_given else " (default)"),
            f"{row.fitted:.4g}",
            f"{row.in_sds:+.2f}",
            row.unit,
        )
        for row in fit.residuals
    ]
    return _table(rows, right=(1, 3, 4))


def _table(rows: Sequence[tuple[str, ...]], *, right: tuple[int, ...]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _judgement(fit: FittedPatient) -> Iterator[str]:
    limit = fit.rules.told_below_pct
    if fit.not_told:
        names = ", ".join(_told_name(row) for row in fit.not_told)
        yield f"Not told by these data: {names}."
        yield from (_unseen(direction) for direction in fit.unseen)
    else:
        yield f"Every fitted number is told: relative SD at most {limit:g} %."
    values = ", ".join(f"{value:.3g}" for value in fit.singular_values)
    yield f"Singular values of the data (SDs per e-fold): {values}."
    yield from _contradiction(fit)
    yield (
        "Systolic and diastolic pressure are taken as aortic; what is not fitted is"
        f" that of {fit.patient.phenotype}. The dose-response to CCM is an assumed law"
        " that no bedside value informs."
    )


def _contradiction(fit: FittedPatient) -> Iterator[str]:
    large = [row.quantity for row in fit.residuals if abs(row.in_sds) > LARGE_SD]
    if large:
        yield f"Off by more than {LARGE_SD:g} SD: {', '.join(large)}."
    if fit.misfit_probability < LEAST_PROBABILITY:
        freedom = f"(misfit {fit.misfit:.1f} on {fit.degrees} degrees of freedom)"
        yield f"No heart of this model has these values within their errors {freedom}."


def _unseen(direction: tuple[float, ...]) -> str:
    """Return a combination that the data do not see, its largest part first."""
    parts = sorted(zip(direction, UNKNOWNS, strict=True), key=lambda p: -abs(p[0]))
    sign = -1.0 if parts[0][0] < 0.0 else 1.0
    words = [f"{sign * w:+.2f} {u.title}" for w, u in parts if abs(w) >= LEAST_PART]
    return f"Unseen combination of their logarithms: {', '.join(words)}."


def _told_name(row: FittedUnknown) -> str:
    return f"{row.title} ({row.name})"


def patient_file(fit: FittedPatient, measurements: str | Path) -> str:
    """Return the patient as TOML that `run` accepts, the fit told in its comments."""
    name = plain(" ".join(Path(measurements).name.split()))  # a comment is one line
    about = [
        f"# Fitted by `ccmlab fit` to {name}.",
        *(f"# {line}".rstrip() for line in fit_text(fit).splitlines()),
        "",
    ]
    return "\n".join(about) + patient_to_toml(fit.patient)
