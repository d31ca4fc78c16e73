"""The direction of imports, read from the sources: DESIGN draws it, this holds it."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sim", "optimizers", "harness", "scenarios")

# Each layer may import itself and the layers named; the longest prefix decides.
FLOOR = {"sim.units", "sim.sources", "sim.streams"}
MAY_IMPORT: dict[str, set[str]] = {
    "sim": set(),
    "sim.units": set(),
    "sim.sources": set(),
    "sim.streams": set(),
    "sim.heart": FLOOR,
}
MAY_IMPORT["sim.patient"] = FLOOR | {"sim.heart"}
MAY_IMPORT["sim.device"] = FLOOR | {"sim.heart"}
READERS = FLOOR | {"sim.heart", "sim.patient", "sim.device"}
MAY_IMPORT["sim.instruments"] = READERS
MAY_IMPORT["sim.telemetry"] = READERS
MAY_IMPORT["sim.visit"] = READERS | {"sim.instruments", "sim.telemetry"}
MAY_IMPORT["optimizers"] = set()
MAY_IMPORT["harness"] = {"sim", "optimizers"}
MAY_IMPORT["scenarios"] = {"sim", "optimizers", "harness"}

USES_SIMPY = ("sim.visit", "harness.clinic", "harness.page", "harness.day")
THIRD_PARTY = {"duckdb", "jinja2", "matplotlib", "numba", "numpy", "pydantic"}
THIRD_PARTY |= {"scipy", "simpy"}
HEAVY = THIRD_PARTY | {"sim", "optimizers", "scenarios"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def belongs_to(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@cache
def imported(path: Path) -> tuple[tuple[str, int, bool], ...]:
    """Return (module, line, at the top of the file) of every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found: list[tuple[str, int, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node.lineno, id(node) in top) for name in names]
    return tuple(found)


def layer_of(module: str) -> str:
    fitting = [layer for layer in MAY_IMPORT if belongs_to(module, layer)]
    return max(fitting, key=len)


def is_allowed(importer: str, target: str) -> bool:
    """Tell whether a module may import a target, a `package.module.name` or less."""
    layer = layer_of(importer)
    if layer_of(target) == layer:
        return True
    return any(belongs_to(target, other) for other in MAY_IMPORT[layer])


FILES = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=module_name)


@EACH_FILE
def test_imports_point_one_way(path: Path) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {target}"
        for target, line, _ in imported(path)
        if target.split(".")[0] in PACKAGES
        and not is_allowed(module_name(path), target)
    ]
    assert wrong == []


@EACH_FILE
def test_only_the_visit_and_the_clinic_know_the_event_simulator(path: Path) -> None:
    if any(belongs_to(module_name(path), user) for user in USES_SIMPY):
        return
    assert [line for name, line, _ in imported(path) if belongs_to(name, "simpy")] == []


@EACH_FILE
def test_no_module_uses_the_global_state_of_pyplot(path: Path) -> None:
    uses = [
        line
        for name, line, _ in imported(path)
        if belongs_to(name, "matplotlib.pyplot") or belongs_to(name, "pylab")
    ]
    assert uses == []


def test_the_command_line_imports_science_inside_its_commands() -> None:
    at_top = [
        f"line {line} imports {name}"
        for name, line, top in imported(ROOT / "harness" / "cli.py")
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
        ("sim.heart.circulation", "sim.patient.Patient"),
        ("sim.heart.circulation", "sim.visit.log"),
        ("sim.units", "sim.sources.sourced"),
        ("sim.device.settings", "sim.patient.Patient"),
        ("sim.device.settings", "sim.instruments.Cuff"),
        ("sim.visit.titration", "optimizers.space"),
        ("sim.visit.titration", "harness.play.search"),
        ("optimizers.space", "sim.units"),
        ("optimizers.space", "harness.play.search"),
        ("harness.play.search", "scenarios.compare_readouts"),
    ],
)
def test_a_wrong_direction_is_noticed(importer: str, target: str) -> None:
    assert not is_allowed(importer, target)
