"""The page docs/validation.md: how rows are judged, and what they say."""

from collections.abc import Iterator, Sequence
from typing import Final

from harness.evidence.validation.printing import markdown_checks, summary
from harness.evidence.validation.table import Row

_HEAD: Final = """\
# Published findings against this simulator

Which published findings does the simulator reproduce, which not, and where was it told
the answer? `ccmlab validate` runs each finding as a virtual experiment that mirrors the
published one (population, condition, readout) with fixed seeds, and prints a row for
each. This page and `results/published/validation.json`, `.csv`, `.md` are written by
`ccmlab validate --publish .`, which `make results` runs; the long table with every
rule, interval and note is [validation.md](../results/published/validation.md) there.
"""

_RULES: Final = """\
## How a row is judged

- A row has one or more parts and is **inside** when every part is. A number is inside
  when the simulated value itself lies in the published limits and its 95 % Monte-Carlo
  interval is at most half as wide as they are; else it is outside, and a value whose
  interval is too wide says so. A virtual group that is too small therefore fails.
- Where the source prints a standard deviation and a number of patients, the limits are
  the 95 % limits of the published *mean*, not the spread between patients. A published
  group below 16 counts as one of 16 (half a standard deviation), so that a smaller
  group is not agreed with more easily. Shares have Wilson limits, spreads chi-square
  limits, medians limits from their quartiles.
- Results that trials disagree on (B15, B17, B27, B28) are judged by the predictive
  interval: where 95 % of trials of that size lie when each has an effect of its own on
  placebo and on treatment. The published value must lie in it.
- Where a source prints two conditions but not their difference, a correlation of 0.8
  within a patient or preparation is assumed; where it prints a p value, the limits
  follow from it. Where it prints no spread at all, a tolerance is stated in the row.
- Findings in words are judged by a predicate that the row states.
- Who was enrolled (C rows): the mean of the named cohort of that trial, else of the
  usual one, must be within half a published standard deviation.
- **predicted**: no number of the model was set with the row in view; only agreement
  with these is evidence for the model. **same source**: the row repeats the data or the
  number of a fitted one. **by construction**: arithmetic, or the answer of the model's
  own prototype. **fitted**: a number was set with the row in view, so agreement shows
  no more than that the fit holds. The lists are in
  `harness/evidence/validation/fitted.py`; a test reads the source of every number of
  the model and fails when the list and the sources disagree.
- **not modelled**: the simulator cannot speak to the row; the reason is given.
- Rows outside stay outside. The command ends with exit code 1 when a row that was
  inside in the published table no longer is.

"Inside" says that one number agrees within its error. It does not validate the
simulator for any decision: see "what is not claimed" in [model.md](model.md).
"""


def page(rows: Sequence[Row]) -> str:
    """Return the page as Markdown."""
    return "\n".join(
        [
            _HEAD,
            summary(rows),
            "",
            _RULES,
            "## The checks a reviewer would run first",
            "",
            *markdown_checks(rows),
            "",
            "## Outside, and why",
            "",
            *_outside(rows),
            "",
            "## Inside",
            "",
            *_inside(rows),
            "",
            "## Not modelled",
            "",
            *_not_modelled(rows),
            "",
        ]
    )


def _outside(rows: Sequence[Row]) -> Iterator[str]:
    yield "| id | | finding | published | simulated | why |"
    yield "|-|-|-|-|-|-|"
    for row in rows:
        if row.status == "outside" and row.finding is not None:
            missed = (part for part in row.finding.parts if not part.inside)
            seen = "; ".join(f"{part.label}: {part.simulated}" for part in missed)
            yield _line(row, seen, row.finding.note)


def _inside(rows: Sequence[Row]) -> Iterator[str]:
    yield "| id | | finding | published | simulated |"
    yield "|-|-|-|-|-|"
    for row in rows:
        if row.status == "inside" and row.finding is not None:
            parts = row.finding.parts
            yield _line(row, "; ".join(f"{p.label}: {p.simulated}" for p in parts))


def _line(row: Row, *more: str) -> str:
    target = row.target
    finding = f"{target.quantity}, {target.population}"
    cells = (target.id, row.kind, finding, target.published, *more)
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _not_modelled(rows: Sequence[Row]) -> Iterator[str]:
    yield "| id | finding | why |"
    yield "|-|-|-|"
    for row in rows:
        if row.status == "not modelled":
            finding = f"{row.target.quantity}, {row.target.population}"
            yield f"| {row.target.id} | {finding} | {row.reason} |"
