"""The tables of a scenario or study as one visit's order and its task: made here only.

The order is the world's, patient included; the task is what a search gets. Nothing of
the patient goes from one into the other.
"""

from harness.play.scenario import Scenario
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.task.lattice import Lattice
from harness.task.task import Expectation, Task
from sim.patient import Patient
from sim.visit.order import VisitOrder


def order_of(
    scenario: Scenario, *, seed: int | None = None, replicate: int = 0
) -> VisitOrder:
    """Return the visit that a scenario describes.

    Parameters
    ----------
    scenario
        A validated scenario. Raises what `solve_patient` does.
    seed
        Replaces the scenario's.
    replicate
        Number of the visit of this patient: another draw of all that is random.
    """
    return VisitOrder(
        patient=scenario.patient.patient,
        found=scenario.found_device,
        plan=scenario.visit.visit_plan,
        seed=scenario.seed if seed is None else seed,
        replicate=replicate,
    )


def order_for(
    patient: Patient, device: DeviceTable, visit: VisitTable, *, seed: int
) -> VisitOrder:
    """Return the first visit of a patient with a device and a plan from tables."""
    return VisitOrder(patient, device.found_device, visit.visit_plan, seed)


def task_of(
    search: SearchTable, device: DeviceTable, order: VisitOrder, *, strategy: str = ""
) -> Task:
    """Return how the settings to try in a visit are chosen.

    `strategy` replaces what the table of the search says.
    """
    return Task(
        lattice=Lattice(
            axes=search.axes,
            limits=tuple((name, *bounds) for name, bounds in search.limits.items()),
            model=order.found.model,
            solve_dependents=device.dependents == "solved",
        ),
        objective=search.objective,
        strategy=strategy or search.strategy,
        budget=search.budget.budget,
        recommender=search.recommender_for(strategy),
        gate_probability=search.gate_probability,
        expected=Expectation.of(order.plan),
        on_finish=search.on_finish,
        duplicates=search.duplicates,
        knows_population=search.population,
        ohms=order.found.lead_ohms,
    )
