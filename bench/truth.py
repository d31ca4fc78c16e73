"""What the exact truth of a whole lattice costs for one patient."""

from bench.report import Row, timed_row
from bench.timing import timed
from harness.task.lattice import Lattice
from harness.truth.landscape import Sought, landscape, landscapes
from sim.device.settings import Settings, with_dependents
from sim.patient import phenotype, sample_cohort
from sim.streams import stream

N_PEOPLE = 40
AXES = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")


def rows() -> list[Row]:
    """Return the cost of one patient's truth; the lattice itself is laid out once."""
    found = with_dependents(Settings(amplitude_v=4.5, delay_ms=20.0))
    space = Lattice(AXES, (("delay_ms", 3.0, 45.0),)).around(found).space
    patient = phenotype("hfref-ischaemic")

    def truth() -> None:
        landscape(patient, found, space)

    n = len(space.mask.ravel())
    name = f"exact truth of a {n:,}-setting lattice, {space.size:,} allowed"
    return [timed_row(name, timed(truth), "s", 0.5), crowd_row()]


def crowd_row() -> Row:
    """Return the cost of the truth of a drawn cohort, a patient of it."""
    found = Settings()
    space = Lattice().around(found).space
    people = sample_cohort(N_PEOPLE, stream(11, name="patient")).patients
    sought = [Sought(patient, found, space) for patient in people]
    crowd = timed(lambda: landscapes(sought))
    name = f"truth of 1,000 patients x {space.size} settings, two cores"
    return timed_row(name, crowd * (1000.0 / N_PEOPLE / 2.0), "s", 60.0)
