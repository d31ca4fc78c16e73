"""Write the JSON Schema of the report: `make schema`, or run this with a file name."""

import json
import sys
from pathlib import Path

from harness.report.contents import Report


def schema_text(report: type[Report]) -> str:
    """Return the JSON Schema of the `report.json` of a kind of report."""
    return json.dumps(report.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(Report), encoding="utf-8")
