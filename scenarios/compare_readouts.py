"""Play one visit with each readout and print what each could have shown.

Run it with `python scenarios/compare_readouts.py [SCENARIO]`.
"""

import sys

from harness.run import run_scenario
from harness.scenario import load_scenario
from sim.instruments import READOUTS


def row(name: str, readout: str) -> str:
    """Return one line of the table: a visit of a scenario, read in one way."""
    scenario = load_scenario(name).changed({"visit.readout": readout})
    verdict = run_scenario(scenario, scenario_name=name).record.verdict
    low, high = verdict.ci95_pct
    return (
        f"{readout:<16}{verdict.kind:<14}{verdict.gain_pct:+8.1f} %"
        f"{f'{low:+.1f} to {high:+.1f} %':>20}"
        f"{verdict.least_detectable_gain_pct:16.1f} %"
    )


def main(name: str = "first_visit") -> None:
    """Print the table: one visit for each readout, the same patient and seed."""
    print(f"{'readout':<16}{'verdict':<14}{'gain':>10}{'95 %':>20}{'could show':>18}")
    for readout in READOUTS:
        print(row(name, readout))


if __name__ == "__main__":
    main(*sys.argv[1:2])
