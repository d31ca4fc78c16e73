"""`ccmlab study`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import ENGINE, HELP, MEMORY, QUIET
from harness.commands.speech import INTERRUPTED, talk, tell
from harness.common.banner import BANNER

if TYPE_CHECKING:
    from sim.visit.order import EngineName


@click.command("study", short_help="Play patients x contenders x plans x budgets.")
@click.argument("study_name", metavar="STUDY")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="visits played at a time on this machine, 1 to 1024 (default: its cores)",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="play on the workers of this dask scheduler, such as tcp://host:8786",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of the study (default: results/study-STUDY)",
)
@click.option(
    "--replay-failed",
    is_flag=True,
    help="also play again what failed or timed out, or is damaged in the ledger",
)
@ENGINE
@MEMORY
@HELP
@QUIET
def study(
    study_name: str,
    *,
    jobs: int | None,
    dask: str | None,
    out: Path | None,
    replay_failed: bool,
    engine: "EngineName | None",
    memory_gb: float,
    quiet: bool,
) -> int:
    """Play many visits: patients x contenders x plans x budgets x replicates.

    STUDY is a path ending in .toml or the name of a shipped study (ccmlab list
    studies). Stopped at any moment, the same command goes on where it was.
    """
    from harness.study.chunks import StartError
    from harness.study.cluster import ClusterError
    from harness.study.play_study import Where, result_text, run_study

    if jobs is not None and dask is not None:
        raise click.UsageError("--jobs is for this machine; give it or --dask")
    folder = out or Path("results") / f"study-{Path(study_name).stem}"
    with one_clear_message():
        try:
            result = run_study(
                study_name,
                folder,
                Where(jobs, dask, memory_gb),
                replay_failed=replay_failed,
                engine=engine,
                stderr=sys.stderr,
                quiet=quiet,
            )
        except (StartError, ClusterError) as error:
            raise click.UsageError(str(error)) from None
    tell(f"{result_text(result)}\n{BANNER}")
    if result.interrupted:
        left = f"{result.n_known} of {result.n_visits} visits are kept"
        talk(f"ccmlab: interrupted, {left}; the same command goes on")
        return INTERRUPTED
    return 0
