"""Every number of the model says where it comes from, or that it is assumed."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.play.order import order_of
from harness.play.provenance import (
    course_numbers,
    dataclasses_of_sim,
    declared_numbers,
    fixed_models,
    run_numbers,
    sourced_models,
)
from harness.play.scenario import CourseScenario, load_scenario
from harness.task.objective import Objective
from harness.task.prices import Prices
from sim.device.lattice import device_model
from sim.heart.parameters import HFREF
from sim.instruments import READOUTS, Errors
from sim.patient import PHENOTYPES, Patient, personalize, phenotype
from sim.sources import (
    SourcedNumber,
    Standing,
    differing,
    provenance,
    references,
)
from sim.telemetry.ecg import Morphology
from sim.telemetry.morphology import INTERFERENCE
from sim.visit.effects import STRAINS
from sim.visit.happenings import Happening
from sim.visit.plan import FoundDevice, VisitPlan

ROOT = Path(__file__).parents[1]
OWN = ("ccmlab-evidence", "ccmlab-protocol", "ccmlab-device")
STATED = ("scenario", "patient-file")

NOT_MODELS = {
    "Bounds": "what the conformance of a law allows",
    "Counters": "what a device has counted so far: starts at zero",
    "Reference": "an entry of references.toml",
    "Setup": "how a strip is made; the patient's values are given",
    "VisitOrder": "counts patients and visits from zero",
}
"""Dataclasses with numbers as defaults that describe nothing of the world."""

CONSTANTS = {
    "sim.device.lattice._V_SENSITIVITY_MV": "listed; its rows carry place and standing",
    "sim.device.timing.EDGE_S": "two times nearer than this are the same",
    "sim.device.judged.NEAR_EMPTY_FRAC": "more charge than many beats use up",
    "sim.heart.crowd._ROOM": "room for intervals, in those at rest",
    "sim.heart.train.PHASES_PER_PULSE": "a biphasic pulse has two phases",
    "sim.heart.kept._POLL_S": "how often a lock on the computer is looked at",
    "sim.heart.kept._WAIT_S": "who compiles for longer is stopped",
    "sim.heart.rhythm.GRID_S": "grid of a drawn wave",
    "sim.heart.rhythm._LEAST_PERIOD_S": "period of a drawn wave",
    "sim.heart.tabled.INTERVALS": "where a curve is tabulated",
    "sim.heart.tabled.STEP_S": "integration step; test_tabled.py bounds its error",
    "sim.heart.tabled._STEERED": "steps of a difference quotient",
    "sim.heart.tabled._VOLUME_ML": "step of a difference quotient",
    "sim.instruments.clock.GRID_S": "grid of a drawn wave",
    "sim.law.code.NO_ELASTANCE_FRAC": "all of it: a gain is relative to what there is",
    "sim.law.field._LENGTHS": "which fields there are, each a law of its own",
    "sim.law.field._SIZES": "fitted, as SizedLaw says; one row a field",
    "sim.law.field._TAUS": "which fields there are, each a law of its own",
    "sim.patient.cohort.NOMINAL_ONLY": "weights of response families, one of one",
    "sim.patient.cohort._ASKED": "refuses nonsense",
    "sim.patient.cohort._LEAST_PULSE_PRESSURE_MMHG": "refuses who could not walk in",
    "sim.patient.cohort._OUTPUT_L_PER_MIN": "refuses who could not walk in",
    "sim.patient.cohort._WALKING": "refuses who could not walk in",
    "sim.telemetry.disturbance.STEP_S": "grid of a drawn curve",
    "sim.telemetry.feed.BEFORE_BEAT_S": "a sample is final by then, with room to spare",
    "sim.telemetry.fibrillation._MARGIN": "more waves than a span can hold",
    "sim.telemetry.fibrillation._MOST_SD": "keeps an interval above zero",
    "sim.telemetry.ecg._WHOLE": "two times nearer than this are the same",
    "sim.telemetry.pressure._BENDS": "where a drawn curve has knots",
    "sim.telemetry.pressure._LEAST_RISE_MMHG": "keeps a division from zero",
    "sim.telemetry.pressure._LEAST_MMHG": "keeps a division from zero",
    "sim.telemetry.pressure._LEAST_S": "keeps a division from zero",
    "sim.telemetry.pressure._SIDE_S": "where a drawn curve has knots",
    "sim.telemetry.pressure._STEEPEST": "keeps a cubic from overshooting",
    "sim.visit.arrival.WORST_SCORE": "end of a scale",
    "sim.visit.visit.HORIZON_S": "length of drawn waves, longer than any visit",
    "sim.patient.far.OWN_LIMITS": "what a file may state, assumed; no model uses it",
    "sim.patient.far._LEAST_PART": "what a file may state, assumed",
    "sim.patient.far._MOST_TIMES": "what a file may state, assumed",
    "sim.patient.far._SHARE": "a share is 0 to 1",
}
"""Bare numbers of modules that are no model numbers, each with the reason."""

# Numerical methods, held to exact solutions: their numbers are tolerances and limits.
METHODS = ("activation", "batch", "beats", "blocks", "circulation", "conformance")
METHODS += ("crowd", "equilibrium", "exact", "jit", "repeating", "simd", "solve")
METHODS += ("solve_batch", "steps", "synthesis")
PLAIN = {0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0, 60.0, 100.0, 3600.0}
INSIDE = {
    ("textfiles", 1e6): "bytes of a megabyte, in a message",
    ("battery", 0.7): "default of an argument; a visit gives FoundDevice's",
    ("visit", 0.05): "keeps a spread above zero when noise is switched off",
    ("ecg", 500.0): "sampling of a drawing",
    ("events", 0.05): "protocol 4, as SafetyRules.late_sense_pct",
    ("followup", 1e-9): "keeps a division from zero",
    ("lattice", 5.14): "row of the device's table, which carries place and standing",
    ("lattice", 5.63): "row of the device's table",
    ("lattice", 6.11): "row of the device's table",
    ("lattice", 6.60): "row of the device's table",
    ("lattice", 7.5): "row of the device's table",
    ("leads", 1.5): "variance of three unit sines is 3 / 2",
    ("reflex", 0.2): "keeps a multiplier above zero",
    ("rhythm", 5.0): "the five minutes of the definition of SDNN",
}
"""Unusual numbers inside functions of modules that model, each with the reason."""

NOT_IN_A_VISIT = {
    "ActivitySensor": "shown by the programmer on command only",
    "LeadOhms": "a visit has the impedance of `LeadModel`, and its faults",
    "OxygenUse": "a readout of validation only",
    "Starting": "only where the device is found at a named start",
    "ShownPulse": "draws the monitor of a live visit; nobody reads it",
    "SensationPopulation": "draws the threshold of a patient of a cohort",
    "Train": "a visit gives every value",
    "Use": "a visit has leads, rate and delivery of its own",
}
"""Sourced models that a programming visit does not use; months are elsewhere."""


def numeric_default(item: "Field[Any]") -> bool:
    """Tell whether a field is declared with a number or several of them."""
    default = item.default
    if item.default_factory is not MISSING and not is_dataclass(item.default_factory):
        made = item.default_factory()
        default = made if isinstance(made, tuple) else MISSING
    if default is MISSING or isinstance(default, bool):
        return False
    parts = default if isinstance(default, tuple) and default else (default,)
    return all(isinstance(part, int | float) for part in parts)


@pytest.mark.parametrize("model", list(dataclasses_of_sim()), ids=lambda m: m.__name__)
def test_every_number_of_a_model_has_a_source_or_is_said_to_be_assumed(
    model: type,
) -> None:
    bare = [
        item.name
        for item in fields(model)
        if numeric_default(item) and "source" not in item.metadata
    ]
    assert not bare or model.__name__ in NOT_MODELS


def test_a_bare_number_of_a_model_is_noticed() -> None:
    known = {item.name: item for item in fields(HFREF)}
    assert numeric_default(known["heart_rate_bpm"])


def modules() -> list[str]:
    files = (p.relative_to(ROOT).with_suffix("") for p in ROOT.glob("sim/**/*.py"))
    names = (".".join(f.parts).removesuffix(".__init__") for f in files)
    return sorted(set(names) - {"sim.units"})


def tree_of(module: str) -> ast.Module:
    path = Path(str(import_module(module).__file__))
    return ast.parse(path.read_text(encoding="utf-8"))


def constants(tree: ast.Module) -> Iterator[str]:
    """Yield module-level names that are given a value with a float of their own."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        if not targets or not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        values = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
        if any(isinstance(value, float) for value in values):
            names = (
                n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)
            )
            yield from (name for name in names if name.upper() == name)


def holds_models(value: object) -> bool:
    """Tell whether a constant is an instance of a dataclass, or a table of them."""
    if isinstance(value, Mapping):
        return bool(value) and all(holds_models(item) for item in value.values())
    return is_dataclass(value)


@pytest.mark.parametrize("module", modules())
def test_no_model_number_is_a_bare_constant_of_a_module(module: str) -> None:
    loaded = import_module(module)
    if module.rpartition(".")[2] in METHODS:
        return
    bare = [
        f"{module}.{name}"
        for name in constants(tree_of(module))
        if not holds_models(getattr(loaded, name))
    ]
    assert [name for name in bare if name not in CONSTANTS] == []


def test_each_excused_constant_is_still_there() -> None:
    for name in CONSTANTS:
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), name


def unusual(tree: ast.Module) -> set[float]:
    inside = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    found = {
        n.value for f in inside for n in ast.walk(f) if isinstance(n, ast.Constant)
    }
    return {v for v in found if isinstance(v, float)} - PLAIN


@pytest.mark.parametrize("module", modules())
def test_no_model_number_hides_inside_a_function(module: str) -> None:
    name = module.rpartition(".")[2]
    if name in METHODS:
        return
    assert [v for v in unusual(tree_of(module)) if (name, v) not in INSIDE] == []


def test_a_number_that_hides_is_noticed() -> None:
    hidden = ast.parse(
        "TAU = 48.7\n_K: Final = (1.5, 2)\ndef f(x):\n    return 0.37 * x"
    )
    assert list(constants(hidden)) == ["TAU", "_K"]
    assert unusual(hidden) == {0.37}


def numbers() -> list[SourcedNumber]:
    declared = [row for model in sourced_models() for row in declared_numbers(model)]
    patients = [row for name in PHENOTYPES for row in phenotype(name).provenance()]
    return declared + patients


def test_every_standing_is_a_known_word() -> None:
    assert {row.source.standing for row in numbers()} <= set(get_args(Standing))


def test_what_was_measured_is_credited_to_the_work_that_measured_it() -> None:
    own = {
        row.source.place
        for row in numbers()
        if row.source.standing == "measured" and row.source.reference in OWN
    }
    # The table of the cohort weighs several trials; its own column names them.
    assert {place for place in own if not place.startswith("B virtual cohort")} == set()


def test_what_is_assumed_is_credited_to_nobody_else() -> None:
    assumed = {
        row.source.reference for row in numbers() if row.source.standing == "assumed"
    }
    assert assumed <= set(OWN)


def test_every_reference_in_use_is_listed() -> None:
    assert {row.source.reference for row in numbers()} <= set(references())


def test_every_listed_reference_is_used() -> None:
    packages = ("sim", "harness", "scenarios")
    files = [p for name in packages for p in (ROOT / name).rglob("*") if p.is_file()]
    text = "".join(
        p.read_text(encoding="utf-8")
        for p in files
        if p.suffix in (".py", ".toml", ".csv") and p.name != "references.toml"
    )
    unused = [key for key in references() if not re.search(rf"\b{key}\b", text)]
    assert unused == []


@pytest.mark.parametrize("work", list(references().values()), ids=lambda w: w.key)
def test_every_reference_can_be_found_by_a_reader(work: Any) -> None:
    assert work.title
    assert work.identifier
    assert work.authors or work.note or work.key in STATED
    assert work.kind != "article" or work.journal


@pytest.mark.parametrize("name", PHENOTYPES)
def test_a_phenotype_credits_no_default_with_a_number_of_its_own(name: str) -> None:
    patient = phenotype(name)
    moved = set(differing(patient, Patient("", "", HFREF))) - set(patient.sources)
    # Table C2 gives normal and HFrEF circulations side by side.
    assert {n for n in moved if not n.startswith("circulation.")} == set()


def sources_of(patient: Patient) -> dict[str, tuple[str, str]]:
    return {
        row.name: (row.source.reference, row.source.standing)
        for row in patient.provenance()
    }


def test_an_override_is_credited_to_the_scenario() -> None:
    base = phenotype("hfref-ischaemic")
    changed = personalize(base, {"ejection_fraction_pct": 25, "pvc_per_hour": 9})
    before, after = sources_of(base), sources_of(changed)
    stated = ("scenario", "overridden")
    assert after["rhythm.pvc_per_hour"] == stated
    # What had to be solved anew for the ejection fraction is the scenario's too.
    assert after["circulation.lv_elastance_mmhg_per_ml"] == stated
    assert after["reflex.set_map_mmhg"] == stated
    # The rate was not asked for, and did not move.
    assert after["rhythm.heart_rate_bpm"] == before["rhythm.heart_rate_bpm"]
    moved = {name for name in differing(changed, base) if after[name] != stated}
    assert moved == set()


def test_the_constants_of_a_response_family_name_the_family() -> None:
    sharp = personalize(phenotype("hfref-ischaemic"), response="sharp")
    place = {row.name: row.source.place for row in sharp.provenance()}
    assert place["response.k"] == "A3 family sharp"
    assert place["response.best_delay_ms"] == "A3 di"


def visit_numbers(changes: Mapping[str, object]) -> dict[str, dict[str, SourcedNumber]]:
    scenario = load_scenario("null_responder").changed(changes)
    return {
        part: {row.name: row for row in rows}
        for part, rows in run_numbers(scenario, order_of(scenario)).items()
    }


def test_everything_a_scenario_states_is_credited_to_its_line() -> None:
    changes = {
        "patient.override": {"sbp_mmhg": 110.0},
        "device.settings.amplitude_v": 5.0,
        "device.found.charge_frac": 0.4,
        "visit.titration_min": 25.0,
        "visit.settle_beats": 20,
        "search.energy_weight": 0.25,
        "search.gate_probability": 0.9,
    }
    parts = visit_numbers(changes)
    stated = {
        row.source.place: row.value
        for rows in parts.values()
        for row in rows.values()
        if row.source.standing == "overridden"
    }
    expected = {
        "patient.override.sbp_mmhg": 110.0,
        "device.settings.amplitude_v": 5.0,
        "device.found.charge_frac": 0.4,
        "visit.titration_min": 25.0,
        "visit.settle_beats": 20,
        "search.energy_weight": 0.25,
        "search.gate_probability": 0.9,
    }
    assert expected.items() <= stated.items()
    assert all(
        row.source.reference in STATED
        for rows in parts.values()
        for row in rows.values()
        if row.source.standing == "overridden"
    )


def test_a_table_of_the_patient_is_the_scenarios_unless_it_names_a_file(
    tmp_path: Path,
) -> None:
    stated = {"patient.rhythm.sdnn_ms": 40.0, "patient.profile.age_years": 70.0}
    patient = visit_numbers(stated)["patient"]
    for path in stated:
        row = patient[path.removeprefix("patient.")]
        assert (row.source.reference, row.source.place) == ("scenario", path)
    file = tmp_path / "mine.toml"
    file.write_text('phenotype = "hfref-ischaemic"\n[rhythm]\nsdnn_ms = 40.0\n')
    row = visit_numbers({"patient.file": str(file)})["patient"]["rhythm.sdnn_ms"]
    assert row.source.reference == "patient-file"


def test_habits_of_a_course_are_credited_to_its_line() -> None:
    scenario = load_scenario("follow_up_year")
    assert isinstance(scenario, CourseScenario)
    rows = {row.name: row for row in course_numbers(scenario)}
    adherence = rows["course.charging_adherence_frac"]
    assert (adherence.value, adherence.source.reference) == (0.8, "scenario")
    assert adherence.source.place == "course.charging_adherence_frac"
    assert rows["course.charge_to_frac"].source.reference == "ccmlab-device"


def test_what_a_start_left_is_credited_to_the_line_that_names_it() -> None:
    scenario = load_scenario("first_visit")
    bare = {"device.settings": {}, "device.start": "turned-down"}
    scenario = scenario.changed(bare)
    parts = run_numbers(scenario, order_of(scenario))
    found = {row.name: row for row in parts["device as found"]}
    for name in ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms"):
        assert found[f"settings.{name}"].source.place == "device.start"
    assert found["settings.vrp_ms"].source.reference == "ccmlab-device"
    assert "times_asked" in {row.name for row in parts["start"]}
    assert "start" not in visit_numbers({})


def test_dependent_settings_are_neither_the_scenarios_nor_the_defaults() -> None:
    found = visit_numbers({"device.settings": {"delay_ms": 16.0}})["device as found"]
    mask = found["settings.post_ls_refractory_ms"]
    # 20 ms by default, but never longer than the delay: the next lower value.
    assert (mask.value, mask.source.standing) == (15.0, "derived")
    assert found["settings.delay_ms"].source.reference == "scenario"


def test_only_the_errors_of_the_readout_in_use_are_listed() -> None:
    finger = visit_numbers({"visit.readout": "finger-pressure"})["readout errors"]
    invasive = visit_numbers({"visit.readout": "invasive-dpdt"})["readout errors"]
    assert not any(name.startswith(("invasive.", "echo.")) for name in finger)
    assert "invasive.breath_frac" in invasive


def instances(model: object) -> Iterator[str]:
    """Yield the class of an instance and of every dataclass inside it."""
    yield type(model).__name__
    if is_dataclass(model):
        for item in fields(model):
            if is_dataclass(getattr(model, item.name)):
                yield from instances(getattr(model, item.name))


def test_a_visit_lists_every_model_it_is_made_of() -> None:
    plan = VisitPlan()
    parts = [phenotype("hfref-ischaemic"), plan, FoundDevice(), Objective(), Errors()]
    parts += [Prices()]
    parts += [row.error() for row in READOUTS.values()]
    parts += [Morphology(), *fixed_models("CCM X11", plan).values()]
    parts += [Happening("cough"), STRAINS, INTERFERENCE]
    listed = {name for part in parts for name in instances(part)}
    missing = {
        model.__name__
        for model in sourced_models()
        if model.__name__ not in listed | set(NOT_IN_A_VISIT)
        and not model.__module__.startswith(("sim.patient.", "sim.law."))
    }
    assert missing == set()


def test_limits_of_the_older_device_are_credited_to_its_own_manual() -> None:
    rows = {row.name: row for row in provenance(device_model("CCM X10"))}
    assert rows["amplitude_min_v"].value == 4.0
    assert rows["amplitude_min_v"].source.reference == "smart-manual-2017"
    assert rows["noise_window_ms"].source.reference == "smart-mini-ifu"


def test_a_number_that_is_not_set_is_no_row() -> None:
    assert "settle_beats" not in {row.name for row in provenance(VisitPlan())}
    planned = VisitPlan(settle_beats=20)
    assert "settle_beats" in {row.name for row in provenance(planned)}
