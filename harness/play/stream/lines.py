"""A visit told as JSON lines, paced."""

from math import inf, isfinite
from typing import TextIO

from harness.play.scenario import Scenario
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import Message, as_json
from harness.play.stream.pacer import Pacer


def rate_of(text: str) -> float:
    """Return the rate that a word stands for: a number above 0, or "max"."""
    if text == "max":
        return inf
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not (isfinite(rate) and rate > 0.0):
        raise ValueError(f"takes a number above 0 or max, got {text!r}")
    return rate


def tell_lines(scenario: Scenario, out: TextIO, *, rate: float) -> None:
    """Play the visit of a scenario, each message a line as soon as it is told.

    Raises what writing raises, such as BrokenPipeError where nobody reads any more.
    """
    with LiveVisit.of(scenario) as live:

        def tell(message: Message) -> None:
            out.write(f"{as_json(message)}\n")

        for message in live.messages():
            tell(message)
        live.listen(tell)
        out.flush()
        Pacer(live, rate).play(between=out.flush)
