"""The examples in docstrings run, and show what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sim", "optimizers", "harness", "scenarios", "ccmlab")


def modules_with_examples() -> list[str]:
    files = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    name = name.removesuffix(".__init__")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
