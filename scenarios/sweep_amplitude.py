"""Thirty patients by seven amplitudes, with a figure: `sweep_amplitude.pdf` here."""

import numpy as np

from harness import sweep
from sim import sample_cohort

patients = sample_cohort(30, np.random.default_rng(7))
gains = sweep(patients, {"amplitude_v": np.arange(4.5, 8.0, 0.5)})
print(gains)
gains.plot().savefig("sweep_amplitude.pdf")
