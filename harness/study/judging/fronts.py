"""Gain, energy and discomfort side by side: fronts and the volume they leave behind.

A setting is three numbers, of which none pays for another here: true gain, daily
energy, what is felt. The front of a search are the tested settings that no other one it
tested beats in all three. Its hypervolume is the part of a box that some setting of the
front is better than; the box goes from CCM off to the patient's best gain, from the
highest energy met to none, and from intolerable to not felt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from harness.study.judging.cells import BoolArray, Cell
from harness.study.judging.numbers import Estimate, FloatArray, mean
from harness.study.judging.outcomes import known
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from harness.study.judging.trajectory import Evaluations
from harness.truth.landscape import FLAT_PCT
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.units import PCT_PER_FRAC

N_GOODS: Final = 3


def undominated(goods: FloatArray) -> BoolArray:
    """Return which rows no other row beats: all goods at least as high, one higher.

    Parameters
    ----------
    goods : (n, k)
        Higher is better in each.

    Returns
    -------
    (n,)
        Equal rows are both kept.
    """
    at_least = (goods[:, None, :] >= goods[None, :, :]).all(axis=2)
    beats = at_least & (goods[:, None, :] > goods[None, :, :]).any(axis=2)
    return np.asarray(~beats.any(axis=0))


def hypervolume(goods: FloatArray) -> float:
    """Return the volume of the unit cube that some row is at least as good as.

    Parameters
    ----------
    goods : (n, 3)
        Each 0 to 1, higher is better; what lies outside is cut to it.
    """
    cut = np.clip(goods, 0.0, 1.0)
    cut = cut[np.argsort(-cut[:, 2], kind="stable")]
    depths = np.append(cut[:, 2], 0.0)
    slabs = depths[:-1] - depths[1:]
    return float(sum(s * _area(cut[: i + 1, :2]) for i, s in enumerate(slabs) if s))


def _area(goods: FloatArray) -> float:
    """Return the area of the unit square that some row is at least as good as."""
    ordered = goods[np.argsort(-goods[:, 0], kind="stable")]
    heights = np.maximum.accumulate(ordered[:, 1])
    widths = ordered[:, 0] - np.append(ordered[1:, 0], 0.0)
    return float(widths @ heights)


def volumes(
    cell: Cell, evaluations: Evaluations, most_energy: float
) -> tuple[FloatArray, FloatArray]:
    """Return hypervolume and size of the front of each visit's search.

    nan where nothing was stored or nobody can gain. What is not tolerated is on no
    front.

    Parameters
    ----------
    most_energy
        Daily energy, a share of nominal, at which the box ends.

    Returns
    -------
    tuple
        `(visits,)` each.
    """
    volume, size = (np.full(cell.place.size, np.nan) for _ in range(2))
    for row in np.flatnonzero(cell.done):
        key = cell.of("key")[row]
        names = ("true_gain_pct", "energy_frac", "true_sensation")
        gain, energy, felt = (evaluations.of(key, name) for name in names)
        off = float(cell.of("off_gain_pct")[row])
        best = float(cell.of("attainable_gain_pct")[row])
        if not gain.size or not best - off >= FLAT_PCT:
            continue
        goods = np.column_stack(
            [
                (gain - off) / (best - off),
                1.0 - energy / most_energy,
                1.0 - np.maximum(felt, 0.0) / INTOLERABLE_GRADE,
            ]
        )[np.isfinite(gain + energy + felt) & (felt < INTOLERABLE_GRADE)]
        volume[row] = hypervolume(goods) if goods.size else 0.0
        kept = np.unique(goods, axis=0)
        size[row] = np.count_nonzero(undominated(kept)) if goods.size else 0.0
    return volume, size


def front_sheet(cells: Sequence[Cell], evaluations: Evaluations) -> TidySheet:
    """Return what each contender's choices and searches are in all three."""
    energies = known(evaluations.table["energy_frac"])
    most = float(energies.max()) if energies.size else 1.0
    rows = [_row(one, evaluations, most) for one in cells]
    chosen = [
        [_value(row, "gain"), -_value(row, "energy"), -_value(row, "felt")]
        for row in rows
    ]
    on_front = undominated(np.array(chosen).reshape(-1, N_GOODS))
    return TidySheet(
        "fronts",
        "Gain, energy and discomfort, each for itself",
        "Of the choices, mean over patients: true gain, daily energy as a share of the "
        "nominal settings', what is felt on the scale of the grades. On the front: no "
        "other contender is better in all three. Of the searches: the hypervolume of "
        "the settings that they tested, 100 % a setting with the patient's best gain "
        "that costs nothing and is not felt, and how many settings of a visit no other "
        "one of it beats in all three.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("gain", "True gain of the choice, %"),
            SheetColumn("energy", "Energy of the choice, %", "", 0),
            SheetColumn("felt", "Felt, grade", "0 not felt, 2 not tolerated."),
            SheetColumn("on_front", "On the front"),
            SheetColumn("volume_pct", "Hypervolume, %", "Mean over patients.", 1),
            SheetColumn("front_size", "Settings on a visit's front", "Mean.", 1),
        ),
        tuple(
            {**row, "on_front": "yes" if on else "no"}
            for row, on in zip(rows, on_front, strict=True)
        ),
    )


def _value(row: Mapping[str, Value], name: str) -> float:
    found = row[name]
    return found.value if isinstance(found, Estimate) else float(found)


def _row(own: Cell, evaluations: Evaluations, most_energy: float) -> dict[str, Value]:
    volume, size = volumes(own, evaluations, most_energy)
    visits = {**own.visits, "volume": volume, "front_size": size}
    with_fronts = replace(own, visits=visits)

    def of(name: str, factor: float = 1.0) -> Value:
        return mean(known(with_fronts.per_patient(name))).times(factor)

    return {
        "contender": own.contender,
        "gain": of("candidate_gain_pct"),
        "energy": of("candidate_energy_frac", PCT_PER_FRAC),
        "felt": of("candidate_sensation"),
        "volume_pct": of("volume", PCT_PER_FRAC),
        "front_size": of("front_size"),
    }
