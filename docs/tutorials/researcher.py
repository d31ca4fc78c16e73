"""
The researcher: from a question to a figure
===========================================

Does a patient whose device was turned down gain by a higher amplitude, and could one
visit show it? A visit is played, then the truth is looked up that no clinic has.
"""

from harness import run_scenario, sweep, truth_of
from sim import phenotype

run = run_scenario("first_visit", seed=7)
run

# %%
# The verdict rests on fresh pairs, read after the search has ended. The figure has
# every test with its interval, and the verified gain in black.

figure = run.plot()

# %%
# Truth and reading are kept apart: a run holds no truth; whoever judges asks for it.

verdict = run.record.verdict
low, high = verdict.ci95_pct
true_pct = truth_of(run.played).window_gain_pct
print(f"read {verdict.gain_pct:.1f} %, 95 % interval {low:.1f} to {high:.1f} %")
print(f"true {true_pct:.1f} %")
print(f"best single reading {verdict.best_single_reading_pct:.1f} %")

# %%
# Patients differ. A sweep tells the truth of some patients at some settings, one tidy
# table: a dictionary of arrays, which ``to_pandas()`` and its neighbours turn into
# others.

patients = [phenotype(name) for name in ("hfref-ischaemic", "hfref-null")]
found = sweep(patients, {"amplitude_v": [4.5, 5.5, 6.5, 7.5]})
found

# %%

curves = found.plot(width="single")

# %%
# What would visits have read of it? Each patient comes once, and the titration tests
# just these amplitudes, over and over.

read = sweep(patients, {"amplitude_v": [4.5, 5.5, 6.5, 7.5]}, measure="visit")
read

# %%
# A scenario is changed by the words of its file, and checked as a file is.

from harness import load_scenario

cuff = load_scenario("first_visit").changed({"visit.readout": "cuff"})
try:
    cuff.changed({"patient.lvef": 28})
except ValueError as error:
    print("; ".join(str(error).split("; ")[:2]))
