"""What `ccmlab list` prints: a line each, name first."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from harness.scenario import shipped_scenarios
from optimizers.registry import strategies
from sim.device.lattice import parameters
from sim.device.settings import Settings
from sim.instruments import READOUTS
from sim.patient import phenotypes

Line = tuple[str, str]


def scenarios_listed() -> Iterator[Line]:
    """Yield each shipped scenario and its title."""
    for name, file in shipped_scenarios().items():
        yield name, tomllib.loads(file.read_text(encoding="utf-8"))["title"]


def strategies_listed() -> Iterator[Line]:
    """Yield each registered strategy and its summary."""
    for name, strategy in strategies().items():
        yield name, strategy.summary


def phenotypes_listed() -> Iterator[Line]:
    """Yield each phenotype, with the bedside values that it is solved to."""
    for name, row in phenotypes().items():
        made = row.targets
        pumped = f"EF {made.ejection_fraction_pct:g} %, EDV {made.edv_ml:g} mL"
        seen = f"systolic {made.sbp_mmhg:g} mmHg, {made.heart_rate_bpm:g}/min"
        yield name, f"{row.title}; {pumped}, {seen}"


def readouts_listed() -> Iterator[Line]:
    """Yield each readout, with the beats that one arm of a pair takes."""
    for name, readout in READOUTS.items():
        beats = f"settles {readout.settle_beats} beats, reads {readout.read_beats}"
        yield name, f"{readout.title}, {readout.unit}; {beats}"


def parameters_listed() -> Iterator[Line]:
    """Yield each programmable parameter, what it may be, and its default."""
    defaults = Settings()
    for symbol, row in parameters().items():
        default = getattr(defaults, symbol)
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        if isinstance(default, bool):
            shown = shown.lower()
        allowed = "true or false" if isinstance(default, bool) else row.allowed
        yield symbol, f"{row.label}: {allowed} (default: {shown})"


LISTS: Final[Mapping[str, Callable[[], Iterator[Line]]]] = {
    "scenarios": scenarios_listed,
    "strategies": strategies_listed,
    "phenotypes": phenotypes_listed,
    "readouts": readouts_listed,
    "parameters": parameters_listed,
}


def listing(kind: str) -> str:
    """Return one list as text, names in a column of their own."""
    lines = list(LISTS[kind]())
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in lines)
