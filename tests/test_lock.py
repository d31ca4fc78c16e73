"""The lock files: what they pin, for which Python, and what they must not hold."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin", "win32")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(lock: str) -> list[tuple[Requirement, int]]:
    """Return each pinned requirement of a lock file and its number of hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [
        (Requirement(HASH.split(line)[0].strip()), len(HASH.findall(line)))
        for line in lines
    ]


def pinned(lock: str, python: str, platform: str) -> dict[str, str]:
    """Return version by name of what one Python on one platform would install."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": python + ".0",
        "sys_platform": platform,
    }
    return {
        item.name: next(iter(item.specifier)).version
        for item, _ in entries(lock)
        if item.marker is None or item.marker.evaluate(environment)
    }


def groups() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["dependency-groups"]["build"]
    dev = [row for row in project["dependency-groups"]["dev"] if isinstance(row, str)]
    run = project["project"]["dependencies"] + build
    return {
        "requirements.lock": [Requirement(row) for row in run],
        "requirements-dev.lock": [Requirement(row) for row in run + dev],
    }


@pytest.mark.parametrize("lock", sorted(groups()))
def test_a_lock_satisfies_the_project_on_every_python_and_platform(lock: str) -> None:
    for python, platform in itertools.product(PYTHONS, PLATFORMS):
        versions = pinned(lock, python, platform)
        for wanted in groups()[lock]:
            assert wanted.specifier.contains(versions[wanted.name]), (python, wanted)


def test_the_build_group_is_what_the_build_system_requires() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["dependency-groups"]["build"] == project["build-system"]["requires"]


def test_the_test_lock_pins_the_same_versions_as_the_run_lock() -> None:
    for python, platform in itertools.product(PYTHONS, PLATFORMS):
        run = pinned("requirements.lock", python, platform)
        assert run.items() <= pinned("requirements-dev.lock", python, platform).items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_exactly_and_has_hashes(lock: str) -> None:
    for item, n_hashes in entries(lock):
        assert [spec.operator for spec in item.specifier] == ["=="], item
        assert n_hashes > 0, item


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|@ ", text) == []
