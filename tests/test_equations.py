"""The numbered equations of docs/model.md, and the lines that compute them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# an equation ends with its number; several of one line are parted by semicolons
NUMBERED = re.compile(r"\((\d+)\)(?=\s*$|[:;,.]| \()", re.MULTILINE)
NAMED = re.compile(r"\beqs?\. (\d+)")


def told() -> set[int]:
    """Return the numbers of the equations in the model's sections A and C."""
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    found: set[int] = set()
    for name in ("A", "C"):
        section = text.partition(f"\n## {name}. ")[2].partition("\n## ")[0]
        found |= {int(number) for number in NUMBERED.findall(section)}
    return found


def computed() -> set[int]:
    texts = (p.read_text(encoding="utf-8") for p in (ROOT / "sim").rglob("*.py"))
    return {int(number) for text in texts for number in NAMED.findall(text)}


def test_every_equation_of_the_model_stands_beside_the_line_that_computes_it() -> None:
    assert len(told()) > 40
    assert told() - computed() == set()


def test_no_line_names_an_equation_that_the_model_does_not_have() -> None:
    assert computed() - told() == set()
