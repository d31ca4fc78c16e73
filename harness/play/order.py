"""The tables of a scenario or study as one visit's order and its task: made here only.

The order is the world's, patient included; the task is what a search gets. Nothing of
the patient goes from one into the other.
"""

from numbers import Integral

from harness.common.faults import Fault, ScenarioError
from harness.play.listed import list_missing
from harness.play.scenario import Scenario
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.task.lattice import Lattice
from harness.task.people import Laws
from harness.task.task import Expectation, Task
from sim.patient import Patient
from sim.visit.order import EngineName, VisitOrder
from sim.visit.start import started


def order_of(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replicate: int = 0,
    patient: Patient | None = None,
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
    patient
        Comes instead of the scenario's: a start is found out by asking this one.
    """
    seed = scenario.seed if seed is None else seed
    for name, number in (("seed", seed), ("replicate", replicate)):
        if not isinstance(number, Integral) or number < 0:
            raise ValueError(
                f"{name} must be a whole number, 0 or more, got {number!r}"
            )
    order = VisitOrder(
        patient=scenario.patient.patient if patient is None else patient,
        found=scenario.found_device,
        plan=scenario.visit.visit_plan,
        seed=seed,
        replicate=replicate,
        happenings=tuple(table.planned for table in scenario.happenings),
        engine=scenario.engine,
    )
    start = scenario.device.start
    return started(order, start) if start else order


def order_for(
    patient: Patient,
    device: DeviceTable,
    visit: VisitTable,
    *,
    seed: int,
    engine: EngineName = "beats",
) -> VisitOrder:
    """Return the first visit of a patient with a device and a plan from tables."""
    found, plan = device.found_device, visit.visit_plan
    return VisitOrder(patient, found, plan, seed, engine=engine)


def task_of(
    search: SearchTable, device: DeviceTable, order: VisitOrder, *, strategy: str = ""
) -> Task:
    """Return how the settings to try in a visit are chosen.

    `strategy` replaces what the table of the search says. Raises ScenarioError for one
    that needs a list where none is given.
    """
    if fault := list_missing(search, strategy):
        raise ScenarioError("scenario", [Fault(f"search.{fault.path}", fault.text)])
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
        knows_population=search.population is not False,
        people_laws=Laws.known_of(search.population, order.patient.response),
        ohms=order.found.lead_ohms,
        prices=search.stopping.prices,
        listed=tuple(tuple(given.items()) for given in search.listed),
    )
