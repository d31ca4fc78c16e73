"""SimPy's environment, with a clock that can be set between two events."""

import simpy


class SteppedEnvironment(simpy.Environment):
    """Runs the processes of a visit; whoever owns it may step it from outside."""

    def set_clock(self, now_s: float) -> None:
        """Set the clock to a time before the next event, exactly.

        An event would not do: its time is a sum, which rounding may leave beside it.
        ValueError for a time that is past or behind the next event.
        """
        if not self.now <= now_s <= self.peek():
            raise ValueError(
                f"now_s must be {self.now:g} to {self.peek():g} s, got {now_s:g} s"
            )
        self._now = now_s
