"""Run the speed measurements: `python -m bench [NAME...]`, all of them by default."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from bench.report import Row, table

NOT_MEASUREMENTS = {"__main__", "__init__", "rates", "report"}


def module_names() -> list[str]:
    """Return the names of the measuring modules in this folder, sorted."""
    here = Path(__file__).parent
    names = (path.stem for path in here.glob("*.py"))
    return sorted(name for name in names if name not in NOT_MEASUREMENTS)


def run(name: str) -> list[Row]:
    """Return the rows of one measuring module, and print them."""
    module: ModuleType = importlib.import_module(f"bench.{name}")
    rows: list[Row] = module.rows()
    print(f"\n{name}\n{table(rows)}", flush=True)
    return rows


def main(arguments: list[str]) -> int:
    """Run the named measurements; return 1 when a budget is missed, 2 on a bad name."""
    known = module_names()
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"no measurement {unknown[0]!r}; known: {' '.join(known)}")
        return 2
    rows = [row for name in arguments or known for row in run(name)]
    missed = [row.name for row in rows if not row.met]
    print(f"\n{len(rows)} figures, {len(missed)} over budget")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
