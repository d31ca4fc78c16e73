"""What every page and every answer of a command says."""

from typing import Final

BANNER: Final = "simulated data only: not for the care of a patient, not for a claim"
