"""`ccmlab fit`."""

from pathlib import Path
from typing import Literal

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import talk, tell
from harness.common.banner import BANNER


@click.command("fit", short_help="Fit a patient to bedside values, for `run`.")
@click.argument("measurements", metavar="MEASUREMENTS")
@click.option(
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="the patient file (default: MEASUREMENTS-patient.toml in this folder), or, "
    "of several patients, their folder (default: MEASUREMENTS-patients)",
)
@click.option(
    "--decimal",
    type=click.Choice(["point", "comma"]),
    help="the mark that numbers have (default: what the file shows)",
)
@click.option(
    "--sheet",
    metavar="NAME",
    help="the sheet of a workbook (default: the one with measurements)",
)
@click.option(
    "--phenotype",
    metavar="NAME",
    default="hfref-ischaemic",
    help="gives all that is not fitted (default: hfref-ischaemic)",
)
@click.option("--force", is_flag=True, help="replace what is there")
@HELP
def fit(
    measurements: str,
    *,
    out: Path | None,
    decimal: Literal["point", "comma"] | None,
    sheet: str | None,
    phenotype: str,
    force: bool,
) -> int:
    """Fit a patient to bedside values; write a file that `run` accepts.

    MEASUREMENTS is a CSV, TSV or workbook with a row for each value (columns quantity,
    value, unit, sd) or for each patient: SBP, DBP, HR, EF, EDV, and as known MAP, PCWP,
    CO, ESV, SV, dP/dt max. How it was understood is told before the fit.
    """
    with one_clear_message():
        from harness.evidence.fit.fit import fit_measurements
        from sim.patient import phenotype as find

        try:
            base = find(phenotype)
        except ValueError as error:
            raise click.UsageError(f"--phenotype: {error}") from None
        told = fit_measurements(
            measurements,
            out,
            base=base,
            force=force,
            decimal=decimal,
            sheet=sheet,
            tell=talk,
        )
    tell(f"{told}\n{BANNER}")
    return 0
