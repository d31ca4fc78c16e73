"""What somebody else's strategy may use of this machine."""

from dataclasses import dataclass
from typing import Final

BYTES_PER_GB: Final = 2**30
USUAL_MEMORY_GB: Final = 4.0


@dataclass(frozen=True, slots=True)
class StrategyLimits:
    """Seconds for one answer and for all answers of a visit; memory of each process.

    Raises ValueError for a limit that is not above 0.
    """

    answer_s: float = 30.0
    visit_s: float = 600.0
    memory_gb: float = USUAL_MEMORY_GB

    def __post_init__(self) -> None:
        for name in ("answer_s", "visit_s", "memory_gb"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")


USUAL_LIMITS: Final = StrategyLimits()
