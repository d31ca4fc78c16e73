"""What a user can mend, told in one clear message."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from harness.commands.memory import search_from_here


@contextmanager
def one_clear_message(file: str = "") -> Iterator[None]:
    """Turn what a user can mend into a usage error, without a traceback.

    `file` is told with what only shows when the patient is made. A command's work
    stands within this, so that garbage is sought from here on.
    """
    from harness.common.files import BrokenRunError, OutputError
    from harness.evidence.fit.measurements import MeasurementsError
    from harness.play.scenario import ScenarioError
    from optimizers.problem import HostLostError, StrategyError, StrategyFailedError
    from sim.heart.repeating import ImplausibleHeartError, NotSettledError
    from sim.law.response_law import LawFailedError
    from sim.patient import NoHeartError, UnreachableTargetError

    search_from_here()
    place = f"{file}: " if file else ""
    try:
        yield
    except StrategyError as error:
        text = f"search.strategy: {error.strategy}: {error}"
        raise click.ClickException(text) from None
    except StrategyFailedError as error:
        raise click.ClickException(f"search.strategy: {error}") from None
    except HostLostError as error:
        raise click.ClickException(str(error)) from None
    except (ScenarioError, MeasurementsError, OutputError, BrokenRunError) as error:
        raise click.UsageError(str(error)) from None
    except LawFailedError as error:
        raise click.ClickException(f"{place}{error}") from None
    except UnreachableTargetError as error:
        raise click.UsageError(f"{place}patient.override: {error}") from None
    except (ImplausibleHeartError, NotSettledError, NoHeartError) as error:
        raise click.UsageError(f"{place}patient: {error}") from None
