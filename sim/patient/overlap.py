"""Two values of one patient that say the same thing, so that one of them is lost.

A patient's table is laid down in an order (`table.patient_of_table`): parts, bedside
values, the law, other overrides, constants of the law. What comes later wins. Where one
hand has written both, that is a contradiction; here it is found, and by whom it is won.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sim.patient.checks import TableFault
from sim.patient.personalize import OVERRIDES

_TARGETS: Final = tuple(name for name, row in OVERRIDES.items() if not row.part)
_RATE: Final = "heart_rate_bpm"
_RATES: Final = (f"circulation.{_RATE}", f"rhythm.{_RATE}")
_SOLVED: Final = (
    "circulation.lv_elastance_mmhg_per_ml",
    "circulation.lv_stiffness_per_ml",
    "circulation.stressed_volume_ml",
    "circulation.systemic_resistance_mmhg_s_per_ml",
    "contractility.reference_rate_bpm",
    "reflex.set_map_mmhg",
    "muscle.baseline_elastance_mmhg_per_ml",
)
"""What a bedside value is met by: stated as well, it is solved away."""
_GAIN: Final = "g_two_leads"
_UNSCALED: Final = (
    "muscle.beta_block_factor",
    "muscle.baseline_elastance_mmhg_per_ml",
    "override.beta_block_factor",
)
"""What scales a law's gain, and cannot where the patient's own gain is given."""
_SIZES: Final = ("g_one_lead_frac", "gain_frac", "loss_one_lead_frac")
_SIZES_SET: Final = (*_SIZES, "two_lead_factor")


class Overlap(NamedTuple):
    """Two paths of a patient's table: the value of the first is lost to the second."""

    lost: str
    won: str


def overlaps(table: Mapping[str, Any]) -> list[Overlap]:
    """Return which values of a patient's table are lost to which, both by their paths.

    What is no table is passed over: others say so.
    """
    stated = set(_stated(table))
    return [pair for pair in _possible() if stated.issuperset(pair)]


def overlap_faults(table: Mapping[str, Any]) -> list[TableFault]:
    """Return what one file says twice; paths are dotted, inside the patient's table."""
    return [TableFault(pair.lost, told(pair)) for pair in overlaps(table)]


def told(pair: Overlap) -> str:
    """Say that a value would be lost, and to which."""
    return f"would be lost to {pair.won}, which decides the same; give one of them"


def _stated(table: Mapping[str, Any]) -> Iterator[str]:
    for key, values in table.items():
        if isinstance(values, Mapping) and key != "source":
            yield from (f"{key}.{name}" for name in values)


def _possible() -> Iterator[Overlap]:
    for target in _TARGETS:
        yield from (Overlap(path, f"override.{target}") for path in _SOLVED)
    yield from (Overlap(path, f"override.{_RATE}") for path in _RATES)
    for name, row in OVERRIDES.items():
        if row.part == "response" and row.field:
            yield Overlap(f"override.{name}", f"response_law.{row.field}")
        elif row.field:
            yield Overlap(f"{row.part}.{row.field}", f"override.{name}")
    yield from (Overlap(path, f"override.{_GAIN}") for path in _UNSCALED)
    for size in _SIZES_SET:
        yield Overlap(f"override.{_GAIN}", f"response_law.{size}")
