"""The direction of imports, read from the sources: DESIGN draws it, this holds it.

A room is a folder (or a module beside the rooms). Each imports itself and the rooms
named for it; an import for the type checker alone counts like any other, since it ties
two files for whoever reads them.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sim", "optimizers", "harness", "scenarios", "ccmlab")

FLOOR = ("sim.units", "sim.sources", "sim.streams", "sim.textfiles", "sim.names")
FLOOR += ("sim.showing", "sim.carried")
PEOPLE_AND_DEVICES = (*FLOOR, "sim.heart", "sim.law", "sim.patient", "sim.device")
SIM = (*PEOPLE_AND_DEVICES, "sim.instruments", "sim.telemetry", "sim.visit")
OUTSIDE = (*SIM, "optimizers")

# Each room of the harness imports those before it; what a search knows ends at `play`.
HARNESS = (
    "harness.common",
    "harness.task",
    "harness.play",
    "harness.truth",
    "harness.report",
    "harness.archive",
    "harness.course",
    "harness.study",
    "harness.day",
    "harness.clinic",
    "harness.evidence",
    "harness.catalogue",
    "harness.commands",
    "harness.cli",
)

MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "sim.units": (),
    "sim.sources": FLOOR,
    "sim.streams": FLOOR,
    "sim.textfiles": (),
    "sim.names": (),
    "sim.showing": (),
    "sim.carried": (),
    "sim.heart": FLOOR,
    "sim.law": (*FLOOR, "sim.heart"),
    "sim.patient": (*FLOOR, "sim.heart", "sim.law"),
    "sim.device": (*FLOOR, "sim.heart", "sim.law"),
    "sim.instruments": PEOPLE_AND_DEVICES,
    "sim.telemetry": PEOPLE_AND_DEVICES,
    "sim.visit": SIM,
    "optimizers": (),
    **{room: (*OUTSIDE, *HARNESS[:n]) for n, room in enumerate(HARNESS)},
    # what the simulator rests on needs neither a clinic's day nor its page
    "harness.evidence": (*OUTSIDE, *HARNESS[: HARNESS.index("harness.day")]),
    "scenarios": PACKAGES,
    "ccmlab": PACKAGES,
}
FACES: Mapping[str, tuple[str, ...]] = {
    "sim": SIM,
    "optimizers": ("optimizers",),
    "harness": (*OUTSIDE, *HARNESS),
}
SEARCHES = ("optimizers", "harness.task", "harness.play")
USES_SIMPY = ("sim.visit", "harness.day")

THIRD_PARTY = {"duckdb", "jinja2", "matplotlib", "numba", "numpy", "pydantic"}
THIRD_PARTY |= {"scipy", "simpy", "starlette", "uvicorn"}
HEAVY = THIRD_PARTY | {"sim", "optimizers", "scenarios"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path
    for name in PACKAGES
    for path in sorted((ROOT / name).rglob("*.py"))
}


def belongs_to(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


@cache
def imported(module: str) -> tuple[tuple[str, int, bool], ...]:
    """Return (module, line, at the top of the file) of every import of a module."""
    top = {id(node) for node in tree(module).body}
    found: list[tuple[str, int, bool]] = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node.lineno, id(node) in top) for name in names]
    return tuple(found)


def file_of(target: str) -> str:
    """Return the module that an imported name is in: `package.module.name` or less."""
    while target not in FILES:
        target = target.rpartition(".")[0]
    return target


@cache
def edges() -> Mapping[str, frozenset[str]]:
    """Return the modules of ours that each module imports."""
    return {
        module: frozenset(
            file_of(target)
            for target, _, _ in imported(module)
            if target.split(".")[0] in PACKAGES
        )
        for module in FILES
    }


def room_of(module: str) -> str:
    """Return the room of a module; the face of a package is its own."""
    if module in FACES and module not in MAY_IMPORT:
        return module
    return next((r for r in MAY_IMPORT if belongs_to(module, r)), "no room")


def is_allowed(importer: str, target: str) -> bool:
    """Tell whether a module may import another, both by their names."""
    room = room_of(importer)
    allowed = FACES[importer] if importer in FACES else (room, *MAY_IMPORT[room])
    return any(belongs_to(target, other) for other in allowed)


def circle(arrows: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the names along one circle, empty when there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def between(
    place: Callable[[str], str], modules: Mapping[str, frozenset[str]]
) -> Mapping[str, frozenset[str]]:
    """Return the arrows between the places of modules, without those inside one."""
    found: dict[str, set[str]] = {}
    for module, targets in modules.items():
        here = place(module)
        found.setdefault(here, set()).update({place(t) for t in targets} - {here})
    return {here: frozenset(there) for here, there in found.items()}


def reached(start: Iterator[str]) -> set[str]:
    """Return all modules that some modules import, directly or through others."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        waiting += edges()[module] - found
        found |= edges()[module]
    return found


def test_imports_point_one_way() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, targets in edges().items()
        for target in sorted(targets)
        if not is_allowed(module, target)
    ]
    assert wrong == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_every_room_of_the_law_is_a_folder_or_a_module(room: str) -> None:
    place = ROOT.joinpath(*room.split("."))
    assert place.is_dir() or place.with_suffix(".py").is_file()


def test_every_module_is_in_a_room_of_the_law() -> None:
    assert [module for module in FILES if room_of(module) == "no room"] == []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle(edges()) == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    assert circle(between(room_of, edges())) == []


@pytest.mark.parametrize("folder", sorted({m.rpartition(".")[0] for m in FILES} - {""}))
def test_no_neighbours_in_a_folder_import_each_other_in_a_circle(folder: str) -> None:
    depth = folder.count(".") + 2

    def neighbour(module: str) -> str:
        return ".".join(module.split(".")[:depth])

    inside = {
        module: frozenset(t for t in targets if belongs_to(t, folder) and t != folder)
        for module, targets in edges().items()
        if belongs_to(module, folder) and module != folder
    }
    assert circle(between(neighbour, inside)) == []


def test_a_name_of_a_class_stands_once() -> None:
    homes = defaultdict(list)
    for module in FILES:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_no_search_can_reach_the_truth() -> None:
    searching = (m for m in FILES if any(belongs_to(m, room) for room in SEARCHES))
    truth = {m for m in reached(searching) if belongs_to(m, "harness.truth")}
    assert truth == set()


def test_no_module_inside_imports_the_face_of_a_package() -> None:
    on_top = ("scenarios", "ccmlab")
    inside = {m: e for m, e in edges().items() if m.split(".")[0] not in on_top}
    assert {m: e & FACES.keys() for m, e in inside.items() if e & FACES.keys()} == {}


def users_of(*packages: str) -> set[str]:
    return {
        module
        for module in FILES
        for name, _, _ in imported(module)
        if any(belongs_to(name, package) for package in packages)
    }


def test_only_those_who_step_the_clock_know_the_event_simulator() -> None:
    users = users_of("simpy")
    assert users, "the visit itself imports simpy"
    assert {m for m in users if not any(belongs_to(m, u) for u in USES_SIMPY)} == set()


def test_no_module_uses_the_global_state_of_pyplot() -> None:
    assert users_of("matplotlib.pyplot", "pylab") == set()


def test_the_command_line_imports_science_inside_its_commands() -> None:
    at_top = [
        f"{module}, line {line}, imports {name}"
        for module in FILES
        if room_of(module) in {"harness.cli", "harness.commands"}
        for name, line, top in imported(module)
        if top and name.split(".")[0] in HEAVY
    ]
    assert at_top == []


def test_asking_for_help_loads_no_scientific_package() -> None:
    code = "import sys, harness.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert sorted({name.split(".")[0] for name in loaded} & THIRD_PARTY) == []


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("sim.units", "sim.sources"),
        ("sim.heart.sensation", "sim.law.saturating"),
        ("sim.law.null", "sim.patient.patient"),
        ("sim.heart.circulation", "sim.patient.patient"),
        ("sim.heart.circulation", "sim.visit.record"),
        ("sim.device.settings", "sim.patient.patient"),
        ("sim.patient.patient", "sim.device.settings"),
        ("sim.device.settings", "sim.instruments.errors"),
        ("sim.instruments.errors", "sim.telemetry.beats"),
        ("sim.visit.titration", "optimizers.space"),
        ("sim.visit.titration", "harness.play.search"),
        ("optimizers.space", "sim.units"),
        ("optimizers.space", "harness.play.search"),
        ("harness.task.plan", "harness.truth.landscape"),
        ("harness.play.search", "harness.truth.landscape"),
        ("harness.play.search", "scenarios.compare_readouts"),
        ("harness.report.build", "harness.archive.tables"),
        ("harness.study.visit", "harness.evidence.cohort_table"),
        ("sim", "harness.play.run"),
    ],
)
def test_a_wrong_direction_is_noticed(importer: str, target: str) -> None:
    assert not is_allowed(importer, target)


def test_a_circle_is_noticed() -> None:
    arrows = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a")}
    assert sorted(set(circle(arrows))) == ["a", "b", "c"]
    assert circle({"a": frozenset("b"), "b": frozenset()}) == []
