"""What nobody has to play: lines of the table that follow from the truth alone.

A yardstick is a choice that needs no reading: to keep what was found, to switch CCM
off, or whichever of the two is truly worth more, which a gate that never errs would do.
It is told beside the contenders and not ranked among them.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from harness.study.judging.cells import BoolArray, Cell, cell
from harness.study.judging.reading import Columns
from harness.study.judging.weights import at_other_weights
from harness.truth.landscape import FLAT_PCT
from optimizers.recommend import HARM_PCT
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.units import PCT_PER_FRAC

TRUTH: Final = "from the truth"
"""Stands in the place of a yardstick's strategy."""
STAY: Final = "stay (truth)"
OFF: Final = "off (truth)"
GATED: Final = "stay or off (truth)"


def told_cells(visits: Columns, study: Mapping[str, Any]) -> Iterator[Cell]:
    """Yield a cell for each yardstick of visits of one plan and budget.

    Each patient counts once, by any visit whose truth is known. `study` is what was
    played, whose table `search` weighs discomfort.
    """
    known = np.flatnonzero(np.isfinite(visits["reference_points_lost"]))
    _, first = np.unique(visits["patient"][known], return_index=True)
    if not first.size:
        return
    patients = {name: values[known[first]] for name, values in visits.items()}
    for name, keeps in YARDSTICKS.items():
        told = _told(name, patients, keeps(patients))
        yield cell({**told, **at_other_weights(told, study)})


def _all(patients: Columns) -> BoolArray:
    return np.ones(patients["patient"].size, bool)


def _none(patients: Columns) -> BoolArray:
    return ~_all(patients)


def _better(patients: Columns) -> BoolArray:
    return np.asarray(patients["reference_points_lost"] <= patients["span_points"])


YARDSTICKS: Final[Mapping[str, Callable[[Columns], BoolArray]]] = MappingProxyType(
    {STAY: _all, OFF: _none, GATED: _better}
)
"""In whom the settings as found are kept; in all others CCM is off."""


def _told(name: str, patients: Columns, keep: BoolArray) -> Columns:
    """Return the visits as they would be: the reference where `keep`, else off."""

    def either(of_stay: Any, of_off: Any) -> Any:
        return np.where(keep, of_stay, of_off)

    off_gain, span = patients["off_gain_pct"], patients["span_points"]
    lost = either(patients["reference_points_lost"], span)
    gain = either(0.0, off_gain)
    energy = either(patients["reference_energy_frac"], 0.0)
    bearable = patients["reference_sensation"] < INTOLERABLE_GRADE
    harmed = ~keep & (off_gain <= -HARM_PCT) & bearable
    n = keep.size
    return {
        **patients,
        "contender": np.full(n, name, dtype=object),
        "strategy": np.full(n, TRUTH, dtype=object),
        "recommender": np.full(n, "", dtype=object),
        "knows": np.full(n, "", dtype=object),
        "status": np.full(n, "done", dtype=object),
        "points_lost": lost,
        "final_points_lost": lost,
        "candidate_gain_pct": gain,
        "final_gain_pct": gain,
        "harmed": harmed,
        "candidate_harms": harmed,
        "candidate_energy_frac": energy,
        "final_energy_frac": energy,
        "candidate_sensation": either(patients["reference_sensation"], 0.0),
        **_shares(patients, lost, gain),
    }


def _shares(patients: Columns, lost: Any, gain: Any) -> Columns:
    """Return regret and share of the attainable, nan where nobody is told them."""
    wide = np.isfinite(patients["reference_regret_pct"])
    span, best = patients["span_points"], patients["attainable_gain_pct"]
    regret = np.where(wide, PCT_PER_FRAC * lost / np.where(wide, span, 1.0), np.nan)
    able = best >= FLAT_PCT
    attained = np.where(able, gain / np.where(able, best, 1.0), np.nan)
    nothing = np.full(lost.size, np.nan)
    return {
        "regret_pct": regret,
        "final_regret_pct": regret,
        "post_regret_pct": nothing,
        "attained_frac": attained,
    }
