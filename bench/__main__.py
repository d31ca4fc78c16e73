"""Run the speed measurements: `python -m bench [--json FILE] [NAME...]`, else all."""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

# as in every process of ours that plays visits; numpy reads it when it is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bench.report import Row, table

MARK = "\ndef rows() -> list[Row]:"


def module_names() -> list[str]:
    """Return the names of the measuring modules in this folder, sorted."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(
        path.stem for path in files if MARK in path.read_text(encoding="utf-8")
    )


def run(name: str) -> list[Row]:
    """Return the rows of one measuring module, and print them."""
    module: ModuleType = importlib.import_module(f"bench.{name}")
    rows: list[Row] = module.rows()
    print(f"\n{name}\n{table(rows)}", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named measurements; return 1 when a budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = module_names()
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(known))
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        parser.error(f"no measurement {unknown[0]!r}; known: {' '.join(known)}")
    measured = {name: run(name) for name in asked.names or known}
    if asked.json:
        asked.json.write_text(json.dumps(_told(measured), indent=1), encoding="utf-8")
    rows = [row for found in measured.values() for row in found]
    missed = [row.name for row in rows if not row.met]
    print(f"\n{len(rows)} figures, {len(missed)} over budget")
    return 1 if missed else 0


def _told(measured: dict[str, list[Row]]) -> dict[str, dict[str, object]]:
    return {
        f"{name}: {row.name}": asdict(row)
        for name, rows in measured.items()
        for row in rows
    }


if __name__ == "__main__":
    sys.exit(main())
