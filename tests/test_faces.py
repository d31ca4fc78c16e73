"""What scripts import: lazy, small, typed, and never the name of a room."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FACES = ("sim", "optimizers", "harness")
EACH_FACE = pytest.mark.parametrize("face", FACES)
SCIENCE = {"duckdb", "jinja2", "matplotlib", "numba", "numpy", "pydantic", "scipy"}
SCIENCE |= {"simpy"}
PROMISED = {
    "sim": "Patient phenotype Settings FoundDevice VisitPlan VisitOrder run_visit",
    "optimizers": "strategy Problem Observation Space",
    "harness": "load_scenario run_scenario write read stored_run landscape run_study "
    "leaderboard sweep run_course side_by_side Bar Progress",
}


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after some code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


@EACH_FACE
def test_every_name_of_a_face_is_there_and_what_its_home_says(face: str) -> None:
    package = import_module(face)
    assert set(PROMISED[face].split()) <= set(package.__all__)
    for name, home in package.HOMES.items():
        module, _, attribute = home.partition(":")
        found = getattr(import_module(module), attribute or name)
        assert getattr(package, name) is found


@EACH_FACE
def test_the_type_checker_is_told_the_same_names(face: str) -> None:
    tree = ast.parse((ROOT / face / "__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.asname: f"{node.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    homes = import_module(face).HOMES
    assert told == {
        name: home if ":" in home else f"{home}:{name}" for name, home in homes.items()
    }


@EACH_FACE
def test_no_name_of_a_face_is_that_of_a_room_or_module(face: str) -> None:
    inside = {path.stem for path in (ROOT / face).iterdir()}
    assert inside & import_module(face).HOMES.keys() == set()


@EACH_FACE
def test_a_face_lists_its_names_and_says_which_it_has_not(face: str) -> None:
    package = import_module(face)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match=f"'{face}' has no attribute 'hart'"):
        _ = package.hart
    with pytest.raises(ImportError, match="hart"):
        exec(f"from {face} import hart")


@pytest.mark.parametrize("module", [*FACES, "sim.units", "sim.sources"])
def test_a_face_or_the_units_load_no_science(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert {name.split(".")[0] for name in loaded} & SCIENCE == set()
    inside = {name for name in loaded if name.split(".")[0] in FACES}
    assert inside <= {module, module.split(".")[0]}


def test_a_scenario_loads_no_figures_no_database_and_no_report() -> None:
    loaded = loaded_by(
        "from harness import load_scenario; load_scenario('first_visit')"
    )
    assert not loaded & {"matplotlib", "duckdb", "jinja2"}
    assert not any(name.startswith("harness.report") for name in loaded)


def last_line(folder: Path, own: str, code: str) -> str:
    """Return how a script ends beside an empty file `own`."""
    file, script = folder / own, folder / "mine.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text("", encoding="utf-8")
    script.write_text(f"{code}\n", encoding="utf-8")
    failed = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    return failed.stderr.splitlines()[-1]


def hidden(file: Path, own: str) -> str:
    package = Path(own).parts[0].removesuffix(".py")
    return f"ImportError: {file} hides the package {package} of ccmlab"


@pytest.mark.parametrize("own", ["sim.py", "sim/__init__.py", "optimizers.py"])
def test_a_file_that_hides_a_package_of_ours_is_told_by_name(
    own: str, tmp_path: Path
) -> None:
    last = last_line(tmp_path, own, "from harness import run_scenario")
    assert hidden(tmp_path / own, own) in last


def test_a_file_that_hides_the_harness_is_told_by_name(tmp_path: Path) -> None:
    last = last_line(tmp_path, "harness.py", "from harness import run_scenario")
    assert "'run_scenario' from 'harness'" in last
    assert str(tmp_path / "harness.py") in last


def test_the_simulated_world_is_imported_within_a_quarter_of_a_second() -> None:
    def run_s(code: str) -> float:
        """Return the time that the processor worked for it, however busy it is."""
        before = os.times()
        subprocess.run([sys.executable, "-S", "-c", code], check=True, cwd=ROOT)
        after = os.times()
        worked_s = after.children_user - before.children_user
        return worked_s + after.children_system - before.children_system

    # the best of five, beside an interpreter that imports nothing
    took_s = min(run_s("import sim") - run_s("pass") for _ in range(5))
    assert took_s < 0.25


@pytest.mark.parametrize("own", ["harness.py", "harness/__init__.py", "sim.py"])
def test_the_one_name_tells_of_every_file_that_hides_a_package(
    own: str, tmp_path: Path
) -> None:
    assert hidden(tmp_path / own, own) in last_line(tmp_path, own, "import ccmlab")


def test_the_one_name_has_the_three_packages_and_loads_nothing_else() -> None:
    loaded = loaded_by("import ccmlab; ccmlab.harness; ccmlab.sim; ccmlab.optimizers")
    assert {name.split(".")[0] for name in loaded} & SCIENCE == set()
    assert set(FACES) <= loaded
    ccmlab = import_module("ccmlab")
    assert set(ccmlab.__all__) == set(FACES)
    assert set(FACES) <= set(dir(ccmlab))
    with pytest.raises(AttributeError, match="'ccmlab' has no attribute 'hart'"):
        _ = ccmlab.hart


OWN = ("sim.py", "harness.py", "optimizers.py", "scenarios.py")


def test_the_command_is_ours_whatever_lies_in_the_folder(tmp_path: Path) -> None:
    for name in OWN:
        (tmp_path / name).write_text("raise SystemExit(9)\n", encoding="utf-8")
    command = Path(sys.executable).with_name("ccmlab")
    done = subprocess.run(
        [str(command), "list", "phenotypes"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "hfref-null" in done.stdout
