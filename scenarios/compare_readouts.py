"""Play one visit with each readout and print what each could have shown.

Run it with `python scenarios/compare_readouts.py [SCENARIO]`.
"""

import sys

from harness import load_scenario, run_scenario
from sim import READOUTS


def row(name: str, readout: str) -> str:
    """Return one line of the table: a visit of a scenario, read in one way."""
    scenario = load_scenario(name).changed({"visit.readout": readout})
    verdict = run_scenario(scenario, scenario_name=name).record.verdict
    gain, interval = "not verified", ""
    if verdict.pairs_done > 1:
        low, high = verdict.ci95_pct
        gain, interval = f"{verdict.gain_pct:+.1f} %", f"{low:+.1f} to {high:+.1f} %"
    could_show = f"{verdict.least_detectable_gain_pct:.1f} %"
    what = f"{readout}, {READOUTS[readout].quantity.partition('_')[0]}"
    return f"{what:<22}{verdict.kind:<14}{gain:>13}{interval:>18}{could_show:>13}"


def main(name: str = "first_visit") -> None:
    """Print the table: one visit for each readout, the same patient and seed."""
    print(f"{'readout':<22}{'verdict':<14}{'gain':>13}{'95 %':>18}{'could show':>13}")
    for readout in READOUTS:
        print(row(name, readout))


if __name__ == "__main__":
    main(*sys.argv[1:2])
