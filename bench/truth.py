"""What the exact truth of a whole lattice costs for one patient."""

from bench.report import Row, best_cpu_s
from harness.task.lattice import Lattice
from harness.truth.answer_key import _played_gain_pct
from harness.truth.landscape import landscape
from sim.device.settings import Settings, with_dependents
from sim.patient import phenotype

AXES = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")


def rows() -> list[Row]:
    """Return the cost of one patient's truth; the lattice itself is laid out once."""
    found = with_dependents(Settings(amplitude_v=4.5, delay_ms=20.0))
    space = Lattice(AXES, (("delay_ms", 3.0, 45.0),)).around(found).space
    patient = phenotype("hfref-ischaemic")

    def truth() -> None:
        _played_gain_pct.cache_clear()
        landscape(patient, found, space)

    n = len(space.mask.ravel())
    name = f"exact truth of a {n:,}-setting lattice, {space.size:,} allowed"
    return [Row(name, best_cpu_s(truth), "s", 0.5)]
