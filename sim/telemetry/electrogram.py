"""Electrograms of the two ventricular leads, from their true leading edges."""

import numpy as np

from sim.telemetry.beats import FloatArray, StripBeats
from sim.telemetry.morphology import ElectrogramWaves
from sim.telemetry.synthesis import Waves, joined


def electrogram_waves(
    beats: StripBeats,
    edge_s: FloatArray,
    height_mv: FloatArray,
    waves: ElectrogramWaves,
) -> Waves:
    """Return every wave of one lead.

    Parameters
    ----------
    beats
        The beats; ectopic ones are wider, since muscle conducts them.
    edge_s, height_mv
        `(n,)`, leading edge at the lead and height of the first deflection.
    waves
        Shape.
    """
    wide = np.where(beats.ectopic, waves.ectopic_wide, 1.0)
    ones = np.ones_like(edge_s)
    return joined(
        [
            Waves(
                edge_s + wide * waves.peak_after_edge_s,
                height_mv,
                wide * waves.peak_sd_s,
            ),
            Waves(
                edge_s + wide * waves.back_at_s,
                waves.back_frac * height_mv,
                wide * waves.back_sd_s,
            ),
            Waves(
                edge_s + waves.t_at_s,
                waves.t_frac * height_mv,
                waves.t_sd_s * ones,
            ),
        ]
    )
