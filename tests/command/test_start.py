"""What a command of its own process loads, searches for garbage, and leaves alone."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from harness.commands.unasked import LATER

pytestmark = pytest.mark.slow
CODE: Final = """
import atexit, gc, json, sys

def told():
    kinds = {name: type(module).__name__ for name, module in sys.modules.items()}
    facts = {"kinds": kinds, "frozen": gc.get_freeze_count(), "on": gc.isenabled()}
    facts["duckdb_is_frozen"] = not any(
        module is sys.modules["duckdb"] for module in gc.get_objects()
    )
    with open("told.json", "w") as file:
        json.dump(facts, file)

atexit.register(told)
from harness.cli import main
main()
"""
SHORT: Final = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 0,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
UNUSED: Final = {
    "numpy.f2py.f2py2e",
    "numpy.testing._private.utils",
    "pandas",
    "pyarrow",
    "matplotlib.pyplot",
    "scipy.spatial.transform._rotation",
    "scipy.stats",
    "yaml.reader",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, Any], str]:
    """What a run knew at its end, and what it said on stderr."""
    folder: Path = tmp_path_factory.mktemp("run")
    asked = [word for k, v in SHORT.items() for word in ("--set", f"{k}={v}")]
    done = subprocess.run(
        [sys.executable, "-c", CODE, "run", "first_visit", "-q", *asked],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads((folder / "told.json").read_text()), done.stderr


def test_a_run_loads_nothing_that_it_does_not_need(
    run: tuple[Mapping[str, Any], str],
) -> None:
    kinds = run[0]["kinds"]
    assert sorted(UNUSED & kinds.keys()) == []
    assert {name: kinds[name] for name in LATER if name in kinds} == dict.fromkeys(
        LATER & kinds.keys(), "_LazyModule"
    )


def test_what_was_imported_is_not_searched_but_what_is_made_is(
    run: tuple[Mapping[str, Any], str],
) -> None:
    facts, said = run
    assert facts["on"]
    assert facts["frozen"] > 50_000
    assert not facts["duckdb_is_frozen"]
    assert "leaked" not in said


def test_a_module_that_nobody_asked_is_there_for_who_asks() -> None:
    code = """
import sys
from harness.commands.unasked import leave_unasked
leave_unasked()
import numpy, scipy.spatial, scipy.special
assert "scipy.spatial.transform._rotation" not in sys.modules
turn = scipy.spatial.transform.Rotation.from_euler("z", 90, degrees=True)
print(turn.apply([1.0, 0.0, 0.0]).round(6).tolist())
numpy.testing.assert_allclose(1.0, 1.0)
print(numpy.f2py.__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["[0.0, 1.0, 0.0]", "numpy.f2py", ""]
