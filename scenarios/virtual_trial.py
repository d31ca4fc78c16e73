"""Play FIX-HF-4 and FIX-HF-5C on virtual patients; print them beside the published.

Run it with `python scenarios/virtual_trial.py [REPLICATES]`. Simulated data only.
"""

import sys

from harness.course.trial import fix_hf_4, fix_hf_5c, trial_table
from sim.patient.chronic import FITTED_ROWS


def main(replicates: str = "400") -> None:
    """Print both trials, each replicate of the published size."""
    n = int(replicates)
    four = "FIX-HF-4: blinded crossover with sham, 3 + 3 months, change in each period"
    five = "FIX-HF-5C: open, 24 weeks; CCM - control, and its neighbours"
    print(trial_table(four, fix_hf_4(n)), end="\n\n")
    print(trial_table(five, fix_hf_5c(n)), end="\n\n")
    print(
        "not modelled: deaths and hospitalisations (B16); no six-minute walk readable"
    )
    print("The law was calibrated. What its numbers were set from:")
    for row, used in FITTED_ROWS.items():
        print(f"  {row}  {used}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
