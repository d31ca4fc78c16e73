"""A scenario as the command line asks for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.commands.speech import talk

if TYPE_CHECKING:
    from harness.play.scenario import Scenario


def say_whose_code(scenario: "Scenario") -> None:
    """Say before anything is played that code of somebody's is going to run."""
    from harness.play.host.hosted import foreign_code

    told = foreign_code([scenario.search.strategy], [scenario.patient.response])
    if told:
        talk(f"ccmlab: {told}")


def changed(
    scenario: "Scenario",
    strategy: str | None,
    seed: int | None,
    settings: Sequence[str] = (),
    engine: str | None = None,
) -> "Scenario":
    """Return the scenario with what the options say instead; else a usage error."""
    from harness.play.changing import changes_of
    from optimizers.registry import check_source

    if strategy is not None:
        try:
            check_source(strategy)
        except ValueError as error:
            raise click.UsageError(f"--strategy: {error}") from None
    asked = {"search.strategy": strategy, "seed": seed, "engine": engine}
    said = {path: value for path, value in asked.items() if value is not None}
    try:
        changes = changes_of(settings)
    except ValueError as error:
        raise click.UsageError(f"--set {error}") from None
    for path in changes.keys() & said.keys():
        raise click.UsageError(f"--set {path}: the option beside it says the same")
    changes |= said
    return scenario.changed(changes) if changes else scenario
