import numpy as np
import pytest

from sim.device.energy import energy_mj_per_train
from sim.device.leads import LeadModel, Leads, impedance_alert
from sim.device.settings import Settings
from sim.sources import unsourced


@pytest.fixture
def leads() -> Leads:
    return Leads(rng=np.random.default_rng(3))


def test_posture_moves_impedance_by_its_stated_spread(leads: Leads) -> None:
    times_s = np.linspace(0, 50 * 3600, 20_000)
    ohm = np.array([leads.v1.impedance_at_ohm(t) for t in times_s])
    assert ohm.mean() == pytest.approx(550, rel=0.005)
    # three sines over many periods: 2 % of 550 ohm, up to beats between them
    assert ohm.std() == pytest.approx(11.0, rel=0.15)


def test_posture_is_a_function_of_time_alone(leads: Leads) -> None:
    first = leads.v1.impedance_at_ohm(123.0)
    leads.measure_ohm("V1", 50.0)
    assert leads.v1.impedance_at_ohm(123.0) == first


def test_the_two_leads_move_apart(leads: Leads) -> None:
    assert leads.v1.impedance_at_ohm(60.0) != leads.v2.impedance_at_ohm(60.0)


def test_readings_scatter_around_the_truth_by_the_measuring_error(leads: Leads) -> None:
    truth = leads.v1.impedance_at_ohm(0.0)
    readings = np.array([leads.measure_ohm("V1", 0.0) for _ in range(400)])
    # standard error of the mean 0.28 ohm, of the spread 0.2 ohm: four of each
    assert readings.mean() == pytest.approx(truth, abs=1.2)
    assert readings.std() == pytest.approx(5.5, abs=0.8)


@pytest.mark.parametrize("fault", ["dislodged", "insulation_breach", "fracture"])
def test_each_fault_would_raise_the_impedance_or_sensing_alarm(
    leads: Leads, fault: str
) -> None:
    before_ohm = leads.v2.impedance_ohm
    leads.set_fault("V2", fault)
    alert = impedance_alert(Settings(), before_ohm, leads.v2.impedance_ohm)
    assert alert or leads.v2.sensing_frac < 0.5
    assert leads.v1.impedance_ohm == before_ohm


@pytest.mark.parametrize(
    ("fault", "impedance", "sensing", "current"),
    [
        ("none", 1.0, 1.0, 1.0),
        ("dislodged", 0.75, 0.3, 0.0),
        ("insulation_breach", 0.4, 0.7, 0.6),
        ("fracture", 6.0, 0.0, 0.0),
    ],
)
def test_a_fault_changes_impedance_sensing_and_capture(
    leads: Leads, fault: str, impedance: float, sensing: float, current: float
) -> None:
    leads.set_fault("V2", fault)
    # docs/device.md, 6
    assert leads.v2.impedance_ohm == pytest.approx(550.0 * impedance)
    assert leads.v2.sensing_frac == sensing
    assert 550.0 / leads.v2.muscle_ohm == pytest.approx(current)
    assert leads.working(Settings()) == (("V1", "V2") if current else ("V1",))


def test_mending_restores_the_lead_and_counts_as_a_change(leads: Leads) -> None:
    leads.set_fault("V1", "fracture")
    leads.set_fault("V1", "none")
    assert (leads.v1.impedance_ohm, leads.v1.sensing_frac) == (550.0, 1.0)
    assert leads.revision == 2


def test_a_fractured_lead_no_longer_reaches_the_heart(leads: Leads) -> None:
    leads.set_fault("V1", "fracture")
    assert leads.working(Settings()) == ("V2",)
    assert leads.working(Settings(ccm_channels="V1")) == ()


def test_a_breach_costs_energy(leads: Leads) -> None:
    intact_mj = energy_mj_per_train(Settings(), leads.ohms)
    leads.set_fault("V1", "insulation_breach")
    now_mj = energy_mj_per_train(Settings(), leads.ohms)
    # half of the energy is multiplied by 1 / 0.4
    assert now_mj == pytest.approx(1.75 * intact_mj)


def test_unknown_names_are_told_with_the_known_ones(leads: Leads) -> None:
    with pytest.raises(ValueError, match="'V1' or 'V2', got 'V3'"):
        leads.measure_ohm("V3", 0.0)
    with pytest.raises(ValueError, match="dislodged"):
        leads.set_fault("V1", "rusty")


def test_every_number_of_a_lead_has_a_source() -> None:
    assert unsourced(LeadModel()) == []
