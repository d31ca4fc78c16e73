"""One function gives every random stream, so that a new strategy changes no patient."""

from typing import Final

import numpy as np

# PROTOCOL: the number is part of the experiment; never renumber, only append.
STREAM_IDS: Final[dict[str, int]] = {
    "patient": 0,
    "rhythm": 1,
    "ectopy": 2,
    "device_ectopy": 3,
    "drift": 4,
    "reading_error": 5,
    "sensation": 6,
    "strategy": 7,
    "verification": 8,
    "post_replication": 9,
    "conduction": 10,
    "symptoms": 11,
    "arm_order": 12,
    "site": 13,
    "leads": 14,
    "course": 15,
    "sensitivity": 16,
    "strips": 17,
    "clinic_day": 18,
    "start": 19,
    "monitor": 20,
    "chart": 21,
}


def stream(
    seed: int,
    *,
    name: str,
    patient: int = 0,
    replicate: int = 0,
    key: tuple[int, ...] = (),
) -> np.random.Generator:
    """Return the generator of one named stream.

    Parameters
    ----------
    seed
        Root seed of the scenario or study, not negative.
    name
        One of `STREAM_IDS`; a ValueError names the known ones otherwise.
    patient, replicate
        Index of the patient in the cohort and of the repeated visit.
    key
        Further indices inside the stream, such as the number of a reading.
    """
    if name not in STREAM_IDS:
        known = ", ".join(STREAM_IDS)
        raise ValueError(f"name must be one of {known}, got {name!r}")
    spawn_key = (patient, replicate, STREAM_IDS[name], *key)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn_key))
