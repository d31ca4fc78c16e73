"""`ccmlab sensitivity`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, QUIET
from harness.commands.speech import talker, tell
from harness.common.banner import BANNER


@click.command(
    "sensitivity", short_help="Tell which numbers drive gain, optimum and verdict."
)
@click.argument("scenario")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of table, data and figure (default: results/sensitivity-SCENARIO)",
)
@click.option(
    "--samples",
    metavar="N",
    type=int,
    default=1024,
    help="base samples, a power of 2 from 64 to 16384 (default: 1024)",
)
@click.option("--force", is_flag=True, help="replace the study that is in the folder")
@HELP
@QUIET
def sensitivity(
    scenario: str, *, out: Path | None, samples: int, force: bool, quiet: bool
) -> int:
    """Tell which numbers of a patient drive gain, optimum and verdict.

    Varies the patient of SCENARIO over the ranges of the evidence; prints for each
    answer the share of its spread that each number explains (Sobol' indices).
    """
    with one_clear_message():
        from harness.evidence.sensitivity.analyse import study_scenario
        from harness.evidence.sensitivity.study import check_samples

        try:
            check_samples(samples)
        except ValueError as error:
            raise click.UsageError(f"--samples: {error}") from None
        told = study_scenario(
            scenario,
            out,
            n_samples=samples,
            force=force,
            progress=talker(quiet=quiet),
        )
    tell(f"{told}\n{BANNER}")
    return 0
